//! A disk that refuses: every write in turn fails once, in three ways.

use super::{CHILD_DIR, SESSION, child, child_store, said, store};
use plenary::journal::{Durability, Journal, JournalError, Opened};
use rusqlite::ffi;
use std::ffi::{CStr, c_int, c_void};
use std::process::Command;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};

/// Writes that still succeed; below zero none is to fail.
static LEFT: AtomicI64 = AtomicI64::new(-1);
/// The error of the write that fails.
static ERROR: AtomicI32 = AtomicI32::new(0);

/// Faults of the short form, and of the long one (`PLENARY_FAULTS=2000 cargo test --test all journal::faults`).
const FAULTS: u64 = 300;

fn refused() -> bool {
    let left = LEFT.load(Ordering::SeqCst);
    if left < 0 {
        return false;
    }
    LEFT.store(left - 1, Ordering::SeqCst);
    left == 0
}

fn fail() -> isize {
    // SAFETY: sets this thread's own number.
    unsafe { *libc::__errno_location() = ERROR.load(Ordering::SeqCst) };
    -1
}

unsafe extern "C" fn write(file: c_int, from: *const c_void, size: usize) -> isize {
    // SAFETY: passes on what SQLite passes.
    if refused() { fail() } else { unsafe { libc::write(file, from, size) } }
}

unsafe extern "C" fn pwrite(file: c_int, from: *const c_void, size: usize, at: i64) -> isize {
    // SAFETY: passes on what SQLite passes.
    if refused() { fail() } else { unsafe { libc::pwrite(file, from, size, at) } }
}

/// Puts our writes in the place of the system's. SQLite has this for its own tests.
fn take_over() {
    let put = |name: &CStr, call: *const c_void| {
        // SAFETY: SQLite calls what is put there with the arguments of the call of that name.
        unsafe {
            ffi::sqlite3_initialize();
            let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
            let set = (*vfs).xSetSystemCall.expect("the unix file system");
            set(vfs, name.as_ptr(), std::mem::transmute::<*const c_void, ffi::sqlite3_syscall_ptr>(call));
        }
    };
    put(c"write", write as *const c_void);
    put(c"pwrite", pwrite as *const c_void);
    put(c"pwrite64", pwrite as *const c_void);
}

#[test]
#[ignore = "the child of `a_fault_at_any_write_loses_nothing_and_the_same_batch_is_taken_again`"]
fn meets_faults() {
    let Some(store) = child_store() else { return };
    let faults: u64 = std::env::var("PLENARY_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(FAULTS);
    take_over();
    let mut journal = store.create(SESSION).unwrap();
    let (mut written, mut met, mut place) = (0u64, 0, 0);
    while met < faults {
        let batch: Vec<_> = (written + 1..=written + 3).map(said).collect();
        let (number, hard) = [(libc::ENOSPC, true), (libc::EIO, false), (libc::EROFS, true)][(met % 3) as usize];
        ERROR.store(number, Ordering::SeqCst);
        LEFT.store(place, Ordering::SeqCst);
        let durability = if hard { Durability::Hard } else { Durability::Soft };
        let result = journal.append(&batch, durability);
        let failed = LEFT.swap(-1, Ordering::SeqCst) < 0;
        match result {
            Err(error) => {
                assert!(failed, "{error}");
                let kind = matches!(
                    error,
                    JournalError::Full { .. } | JournalError::Io { .. } | JournalError::NotWritable { .. }
                );
                assert!(kind, "{error}");
                met += 1;
                place += 1;
                if met % 20 == 0 {
                    assert_eq!(store.read(SESSION).unwrap().len() as u64, written, "nothing of the batch is there");
                }
                journal.append(&batch, durability).unwrap();
            }
            // The batch had fewer writes than that; the next round begins with its first again.
            Ok(()) => place = 0,
        }
        written += 3;
        if met % 7 == 0 {
            // Moving pages into the file may fail, too, and loses nothing.
            LEFT.store((met % 5) as i64, Ordering::SeqCst);
            journal.rest();
            LEFT.store(-1, Ordering::SeqCst);
        }
    }
    drop(journal);
    let Opened { records, .. } = store.open(SESSION).unwrap();
    assert_eq!(records, (1..=written).map(said).collect::<Vec<_>>());
    println!("met {met} faults in {written} records");
}

#[test]
fn a_fault_at_any_write_loses_nothing_and_the_same_batch_is_taken_again() {
    let (_dir, store) = store();
    let command = child("faults::meets_faults", store.dir());
    let output = Command::new("env").args(command).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{CHILD_DIR}: {text}");
}
