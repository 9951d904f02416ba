import ctypes, errno, json, os, resource, signal, socket, stat, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
LONG = ctypes.c_long

def syscall(number, *arguments):
    "Raises OSError as the kernel answers."
    result = libc.syscall(LONG(number), *[a if isinstance(a, ctypes._SimpleCData) or hasattr(a, '_obj') or a is None else LONG(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return True

def reached(number, *arguments):
    "Whether the kernel looked at the call at all: a filter says EPERM or ENOSYS."
    try:
        return syscall(number, *arguments)
    except OSError as error:
        return error.errno not in (errno.EPERM, errno.ENOSYS, errno.EACCES)

def number(x86_64, other):
    return x86_64 if os.uname().machine == 'x86_64' else other

def nameless(directory):
    "A file without a name: writing is tried and nothing stays."
    os.close(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600))
    return True

def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as one:
        one.settimeout(1)
        one.connect(address)
    return True

def status(field):
    for line in open('/proc/self/status'):
        if line.startswith(field + ':'):
            return line.split()[1]

def judge(name, probe):
    sys.stdout.flush()
    begin = time.time()
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
        signal.alarm(4)
        try:
            os._exit(1 if probe() else 0)
        except BaseException:
            os._exit(0)
    _, ended = os.waitpid(child, 0)
    print(name, 'open' if ended == 256 else 'held', '%.1f' % (time.time() - begin))

