#!/usr/bin/env python3
"""Writes the labelled conversations beside this file: AG2 message lists, looping and healthy.

    python3 write.py

They were thought up from what loops and what only looks like a loop, not from what the detectors count. `looping` and
`healthy` were there while the detectors were written; `held_out` has other wordings, lengths and seeds of the same kinds
and was written afterwards. The files are what the test reads; this is how they came about.
"""
import json, os, random, shutil
from words import *

HERE = os.path.dirname(os.path.abspath(__file__))


class Talk:
    def __init__(self, seed, task):
        self.r = random.Random(seed)
        self.m = [{"role": "user", "name": "user", "content": task}]
        self.n = 0

    def say(self, name, text):
        self.m.append({"role": "user", "name": name, "content": text})

    def call(self, name, tool, args, result, text=None):
        self.n += 1
        cid = f"call_{self.n}"
        self.m.append({"role": "assistant", "name": name, "content": text,
                       "tool_calls": [{"id": cid, "type": "function", "function": {"name": tool, "arguments": json.dumps(args)}}]})
        self.m.append({"role": "tool", "name": "executor", "tool_call_id": cid, "content": result,
                       "tool_responses": [{"tool_call_id": cid, "role": "tool", "content": result}]})

    def code(self, name, text, code, exit_code, output, runner="executor"):
        self.say(name, f"{text}\n```python\n{code}\n```")
        status = "execution succeeded" if exit_code == 0 else "execution failed"
        self.say(runner, f"exitcode: {exit_code} ({status})\nCode output: {output}")

    def __len__(self):
        return len(self.m)


def fill(r, text):
    while "{" in text:
        i = text.index("{"); j = text.index("}", i)
        text = text[:i] + str(r.choice(SLOTS[text[i + 1:j]])) + text[j + 1:]
    return text


def trace(path, line, code, error):
    return f'Traceback (most recent call last):\n  File "/tmp/{path}.py", line {line}, in <module>\n    {code}\n{error}\n'


def prose(r, n=2):
    return " ".join(fill(r, s) for s in r.sample(FACTS, n))


def work(t, turns, names=("planner", "coder", "reviewer")):
    """Real work: every turn says something of its own."""
    for k in range(turns):
        t.say(names[k % len(names)], prose(t.r, t.r.randint(1, 3)))


# ---------------------------------------------------------------- healthy, about 100 turns each

def h_features(t, v):
    for k in range(14):
        f = FEATURES[(k + 5 * v) % len(FEATURES)]
        t.say("planner", fill(t.r, f"Next: {f}. It should {{behaviour}}."))
        body = fill(t.r, f"def {f.split()[-1].replace('-', '_')}_{k}(x):\n    return x.{{module}}({t.r.randint(1, 999)})")
        if t.r.random() < .5:
            t.code("coder", fill(t.r, "First cut, with {module} in place."), body, 1, trace(f"a{k}", t.r.randint(3, 40), f"assert run({k}) == {t.r.randint(1, 99)}", t.r.choice(ERRORS) + f": '{f.split()[0]}'"))
            body += fill(t.r, f"\n# after a look at {{module}}\nprint({k})")
        t.code("coder", t.r.choice(["Now it holds.", "Here it is.", "Corrected, with the check.", "This one covers it."]), body, 0, f"{t.r.randint(3, 60)} passed\n{f}: ok")
        t.say("reviewer", t.r.choice(["LGTM.", "Approved.", "Fine by me.", "Good.", fill(t.r, "Approved; later we might {behaviour}.")]))


def h_poll(t, v):
    p = 0
    while len(t) < 100:
        p = min(100, p + t.r.randint(0, 4))
        t.call("operator_bot", ["get_status", "job_status", "check_progress"][v % 3], {"job": "build-7"}, json.dumps({"state": "running" if p < 100 else "done", "percent": p, "eta": 300 - 3 * p}), t.r.choice([None, None, "Looking at the job again."]))
        if t.r.random() < .15:
            t.say("planner", prose(t.r, 1))


def h_files(t, v):
    for k in range(48):
        name = f"src/{t.r.choice(SLOTS['module'])}_{k}.py"
        if v % 2:
            t.call("auditor", "read_file", {"path": name}, fill(t.r, f"# {name}\nimport {{module}}\n\ndef {{module}}_{k}(): return {t.r.randint(1, 9999)}"))
        else:
            t.call("auditor", "update_header", {"path": name}, "ok")


def h_invoices(t, v):
    for k in range(50):
        t.say("clerk", f"Processed invoice INV-{1000 + 7 * k + v}: vendor {t.r.choice(NAMES)}, total {t.r.randint(10, 99999) / 100:.2f}, matched against the order.")
        t.say("auditor", t.r.choice(["Checked.", "Checked, no remarks.", f"Checked; booked on account {t.r.randint(4000, 4999)}."]))


def h_fix(t, v):
    k = 0
    while len(t) < 100:
        k += 1
        e = fill(t.r, t.r.choice(["KeyError: '{module}_%d'" % k, "TypeError: {module}() takes %d arguments" % (k % 7), "AssertionError: expected %d, got %d" % (k * 3, k * 5), "ImportError: cannot import name '{module}_%d'" % k]))
        code = "\n".join(fill(t.r, f"{{module}}_{j} = {t.r.randint(1, 999)}") for j in range(t.r.randint(3, 8)))
        if t.r.random() < .3:
            t.code("coder", "That one is gone; on to the next.", code, 0, f"{k * 2} passed, {t.r.randint(0, 5)} skipped")
        else:
            t.code("coder", t.r.choice(["Another try, with the error in mind.", "Fixed the last error.", "I changed the part that failed."]), code, 1, trace(f"b{k}", 3 * k % 50, fill(t.r, "run({module})"), e))


def h_acks(t, v):
    acks = ["ok", "done", "thanks", "got it", "yes", "👍", "Understood.", "On it."]
    while len(t) < 100:
        t.say("lead", prose(t.r, t.r.randint(1, 2)))
        t.say("dev", t.r.choice(acks))
        if t.r.random() < .5:
            t.say("dev", prose(t.r, 1))
        if t.r.random() < .3:
            t.say("lead", t.r.choice(acks))


def h_standup(t, v):
    names = ["ana", "ben", "chen", "dora", "emil"]
    day = 0
    while len(t) < 100:
        day += 1
        t.say("moderator", f"Good morning everyone. Day {day}: please share what you did, what you will do, and whether anything blocks you." if v % 2 else "Good morning everyone. Please share what you did, what you will do, and whether anything blocks you.")
        for n in names:
            t.say(n, fill(t.r, "Yesterday I finished {thing} in {module}. Today I will {behaviour}. ") + t.r.choice(["No blockers.", "No blockers.", fill(t.r, "I am blocked by {module}.")]))


def h_numbered(t, v):
    for k in range(1, 51):
        t.say("writer", f"{k}. " + fill(t.r, t.r.choice(["{thing}: {behaviour}.", "Describe {thing} for {module}.", "{module}: say why it should {behaviour}."])) + f" (section {k // 7 + 1})")
        t.say("editor", t.r.choice(["Good, next.", "Next.", "Keep it.", fill(t.r, "Shorten it and mention {module}.")]))


def h_retries(t, v):
    while len(t) < 100:
        url = f"https://example.org/{t.r.choice(SLOTS['module'])}/{t.r.randint(1, 9999)}"
        for _ in range(t.r.randint(0, 3)):
            t.call("fetcher", "fetch", {"url": url}, t.r.choice(["Error: 503 Service Unavailable", "Error: connection timed out"]))
        t.call("fetcher", "fetch", {"url": url}, prose(t.r, 2))
        t.say("analyst", prose(t.r, 1))


def h_quiz(t, v):
    score = 0
    qs = QUIZ[:]
    t.r.shuffle(qs)
    for k in range(33):
        q, a = qs[k % len(qs)]
        t.say("quizmaster", f"Question {k + 1}: {q}")
        right = t.r.random() < .7
        t.say("player", a if right else t.r.choice(qs)[1])
        score += right
        t.say("quizmaster", f"Correct! Score {score} of {k + 1}." if right else f"Wrong, it is {a}. Score {score} of {k + 1}.")


def h_guess(t, v):
    low, high, secret, game = 1, 1000, t.r.randint(1, 1000), 1
    while len(t) < 100:
        g = (low + high) // 2
        t.say("guesser", f"Is it {g}?")
        if g == secret:
            game += 1
            t.say("host", f"Yes! Game {game} begins.")
            low, high, secret = 1, 1000, t.r.randint(1, 1000)
        elif g < secret:
            t.say("host", "Higher."); low = g + 1
        else:
            t.say("host", "Lower."); high = g - 1


def h_chess(t, v):
    for k in range(1, 50):
        mv = lambda: t.r.choice(["", "N", "B", "R", "Q", "K"]) + t.r.choice("abcdefgh") + str(t.r.randint(1, 8))
        t.say("white", f"{k}. {mv()}" if v % 2 else mv())
        t.say("black", f"{k}... {mv()}" if v % 2 else mv())


def h_auto_reply(t, v):
    while len(t) < 100:
        t.say("assistant", prose(t.r, t.r.randint(2, 3)))
        t.say("user_proxy", ["Please continue. If everything is done, reply TERMINATE.", "", "Please keep solving the problem until you think it is done. Reply TERMINATE when it is."][v % 3])


def h_debate(t, v):
    while len(t) < 100:
        t.say("pro", "I hold that this is right. " + prose(t.r, 2))
        t.say("contra", t.r.choice(["I disagree. ", "On the contrary. ", "That misses the point. "]) + prose(t.r, 2))
        if t.r.random() < .2:
            t.say("judge", "Noted. " + prose(t.r, 1))


def h_story(t, v):
    story = ""
    while len(t) < 100:
        new = prose(t.r, 2)
        story = (story + " " + new).strip()
        t.say(["ann", "bob", "cy"][len(t) % 3], story[-900:] if v % 2 else new)


def h_desk(t, v):
    while len(t) < 100:
        t.say("agent", "Hello! How can I help you today?")
        t.say("customer", fill(t.r, f"Hi, my order {t.r.randint(10000, 99999)} has {{trouble}}."))
        t.say("agent", fill(t.r, f"I see it: {{thing}} was sent on day {t.r.randint(1, 28)}. I will {{behaviour}}."))
        t.say("customer", t.r.choice(["Thank you!", "Great, thanks.", "Perfect, thank you very much."]))
        t.say("agent", t.r.choice(["You're welcome! Anything else?", "My pleasure. Is there anything else?"]))
        t.say("customer", t.r.choice(["No, that's all. Bye!", "That was all, goodbye."]))


def h_approvals(t, v):
    for k in range(33):
        t.say("author", fill(t.r, f"Change {k + 1}: {{module}} should {{behaviour}}."))
        t.say("first", "Approved.")
        t.say("second", t.r.choice(["Approved.", "Approved.", fill(t.r, "Approved, but watch {module}.")]))


def h_haggle(t, v):
    a, b = 900, 100
    while len(t) < 100:
        a -= t.r.randint(1, 12); b += t.r.randint(1, 12)
        t.say("seller", f"I could let it go for {a} dollars.")
        t.say("buyer", f"I can offer {b} dollars.")
        if t.r.random() < .2:
            t.say("seller", prose(t.r, 1))


def h_tuning(t, v):
    for k in range(48):
        t.code("tuner", fill(t.r, f"Try {k + 1}: a larger {{module}} buffer."), f"SIZE = {64 * (k + 1)}\nbench(SIZE)", 0, f"size {64 * (k + 1)}: {t.r.randint(1000, 9000)} requests a second, p99 {t.r.randint(2, 90)}.{k} ms")


def h_translate(t, v):
    for k in range(50):
        s = fill(t.r, t.r.choice(FACTS))
        t.say("source", f"String {k + 1}: {s}")
        t.say("translator", f"[de] {s[::-1]}")


def h_search(t, v):
    while len(t) < 100:
        q = fill(t.r, "{module} {thing}") + f" {t.r.randint(1, 99)}"
        t.call("researcher", "web_search", {"query": q}, prose(t.r, 3) if t.r.random() < .85 else "No results found.")
        if t.r.random() < .4:
            t.say("researcher", prose(t.r, 1))


def h_monitor(t, v):
    t.m[0]["content"] = "Check the service every 5 minutes and report what you see."
    for k in range(45):
        ok = t.r.random() < .9
        t.call("monitor", "health_check", {"service": "api"}, json.dumps({"status": "ok" if ok else "slow", "latency_ms": t.r.randint(20, 60) if ok else t.r.randint(900, 2000), "requests": 1000 + 37 * k}))
        if k % 10 == 9:
            t.say("monitor", f"After {k + 1} checks: latency between {t.r.randint(20, 30)} and {t.r.randint(50, 2000)} ms.")


def h_dice(t, v):
    for k in range(24):
        for n in ("ada", "bert"):
            t.call(n, "roll_dice", {"sides": 6}, str(t.r.randint(1, 6)))
        if k % 4 == 3:
            t.say("scorer", f"After round {k + 1}: ada {t.r.randint(10, 90)}, bert {t.r.randint(10, 90)}.")


def h_triage(t, v):
    while len(t) < 100:
        t.say("triage", fill(t.r, f"Ticket {t.r.randint(1000, 9999)}: {{trouble}}. Handing over to ") + (who := t.r.choice(["billing", "support", "shipping"])) + ".")
        t.say(who, fill(t.r, "I have {behaviour} and noted {thing}. Back to triage."))


def h_poker(t, v):
    for k in range(20):
        t.say("moderator", fill(t.r, f"Story {k + 1}: {{module}} should {{behaviour}}. Estimates, please."))
        for n in ("ana", "ben", "chen"):
            t.say(n, f"{t.r.choice([1, 2, 3, 5, 8, 13])}" if v % 2 else f"I estimate {t.r.choice([1, 2, 3, 5, 8, 13])}.")
        t.say("moderator", f"We take {t.r.choice([2, 3, 5, 8])}.")


def h_chain(t, v):
    words = CHAIN[:]
    t.r.shuffle(words)
    for k, w in enumerate(words[:99]):
        t.say(["one", "two"][k % 2], w)


def h_tutor(t, v):
    for k in range(33):
        a, b = t.r.randint(2, 30), t.r.randint(2, 30)
        t.say("tutor", f"What is {a} times {b}?")
        t.say("pupil", f"{a * b if t.r.random() < .8 else a * b + 1}")
        t.say("tutor", t.r.choice(["Correct.", "Right.", f"Look again: {a} times {b}."]))


def h_review(t, v):
    while len(t) < 100:
        t.say("reviewer", fill(t.r, f"In {{module}}.py line {t.r.randint(1, 900)}: {{trouble}}; it should {{behaviour}}."))
        t.say("coder", fill(t.r, t.r.choice(["Fixed; {module} now does.", "Good catch, {thing} is handled.", "Changed, and added a test for {thing}.", "I would rather keep it: {module} needs it to {behaviour}."])))


def h_parallel(t, v):
    for k in range(16):
        t.say("lead", fill(t.r, f"Part {k + 1}: {{module}} has to {{behaviour}}."))
        for n in ("x", "y"):
            t.call(n, "write_file", {"path": f"{n}/{k}.md", "text": fill(t.r, "{thing} for {module}")}, "File written successfully.")
        t.call("lead", "run_tests", {}, f"{10 + k} passed" if t.r.random() < .8 else f"{9 + k} passed, 1 failed: test_{t.r.choice(SLOTS['module'])}_{k}")


HEALTHY = [h_features, h_poll, h_files, h_invoices, h_fix, h_acks, h_standup, h_numbered, h_retries, h_quiz, h_guess, h_chess, h_auto_reply, h_debate, h_story, h_desk,
           h_approvals, h_haggle, h_tuning, h_translate, h_search, h_monitor, h_dice, h_triage, h_poker, h_chain, h_tutor, h_review, h_parallel]

# ---------------------------------------------------------------- looping

def l_verbatim(t, v, w):
    for k in range(8):
        t.say("assistant", w.STUCK[v % len(w.STUCK)])
        t.say("user_proxy", w.PROMPTS[k % len(w.PROMPTS)])


def l_both(t, v, w):
    for _ in range(7):
        t.say("a", w.STUCK[v % len(w.STUCK)])
        t.say("b", w.PUSH[v % len(w.PUSH)])


def l_objection(t, v, w):
    for k in range(8):
        t.say("coder", prose(t.r, 1) + t.r.choice([" Please look again.", " I changed that part.", " Ready for review."]))
        t.say("reviewer", w.OBJECTION[v % len(w.OBJECTION)])


def l_objection_paraphrased(t, v, w):
    for k in range(10):
        t.say("coder", w.CLAIMS[k % len(w.CLAIMS)])
        t.say("reviewer", w.OBJECTIONS[k % len(w.OBJECTIONS)])


def l_apology(t, v, w):
    for k in range(10):
        t.say("assistant", w.APOLOGIES[k % len(w.APOLOGIES)])
        t.say("user_proxy", w.PUSHES[k % len(w.PUSHES)])


def l_thanks(t, v, w):
    for k in range(7):
        t.say("a", w.THANKS[k % (2 + v % 3)])
        t.say("b", w.WELCOME[k % (2 + v % 2)])


def l_thanks_many(t, v, w):
    for k in range(8):
        t.say("a", w.THANKS[k % len(w.THANKS)])
        t.say("b", w.WELCOME[k % len(w.WELCOME)])


def l_cycle(period):
    def cycle(t, v, w):
        lines = [(f"agent{k % 3 if period % 3 == 0 else k % 2}", fill(t.r, s)) for k, s in enumerate(t.r.sample(FACTS, period))]
        for _ in range(5):
            for n, s in lines:
                t.say(n, s)
    cycle.__name__ = f"l_cycle_{period}"
    return cycle


def l_call(t, v, w):
    for k in range(7):
        t.call("researcher", "web_search", {"query": "population of Atlantis"}, w.RESULT, t.r.choice([None, "Let me search for that.", "I'll look that up."]))


def l_call_varied(t, v, w):
    for k in range(10):
        t.call("researcher", "web_search", {"query": w.QUERIES[k % len(w.QUERIES)]}, ["No results found.", w.RESULT, "[]"][v % 3])


def l_call_error(t, v, w):
    for k in range(7):
        t.call("worker", w.BADCALL[0], w.BADCALL[1], w.BADCALL[2], t.r.choice([None, "I'll try that.", "Trying again."]))


def l_code(t, v, w):
    for k in range(6):
        t.code("coder", w.SAMECODE[k % len(w.SAMECODE)], w.CODE, 1, trace(f"x{k}", 3, "data['x']", w.ERROR))


def l_code_varied(t, v, w):
    for k in range(9):
        t.code("coder", w.SAMECODE[k % len(w.SAMECODE)], w.CODE + f"\nx_{k} = {k}\n" + fill(t.r, "{module} = 1"), 1, trace(f"y{k}", 3 + k, "data['x']", w.ERROR))


def l_fix_break(t, v, w):
    for k in range(12):
        t.code("coder", w.SAMECODE[k % len(w.SAMECODE)], w.CODE + fill(t.r, f"\n{{module}}_{k} = {t.r.randint(1, 999)}"), 1, trace("z", 4, ["f(a)", "g(b)"][k % 2], [w.ERROR, w.ERROR2][k % 2]))


def l_code_success(t, v, w):
    for k in range(7):
        t.code("coder", w.RERUN[k % len(w.RERUN)], w.CODE, 0, w.OUTPUT)


def l_empty(t, v, w):
    for k in range(6):
        t.say("a", "")
        t.say("b", "" if v % 2 else w.PROMPTS[0])


def l_handoff(t, v, w):
    for k in range(9):
        t.say("support", w.TO_BILLING[k % len(w.TO_BILLING)])
        t.say("billing", w.TO_SUPPORT[k % len(w.TO_SUPPORT)])


def l_growing(t, v, w):
    text = w.STUCK[0]
    for k in range(10):
        text += " " + w.GROW[k % len(w.GROW)]
        t.say("planner", text)
        t.say("coder", w.PUSH[v % len(w.PUSH)])


def l_monologue(t, v, w):
    work(t, 4)
    for k in range(9):
        t.say("assistant", w.WAITING[k % len(w.WAITING)])


def l_terminate(t, v, w):
    for k in range(7):
        t.say("assistant", ["TERMINATE", w.DONE[0] + " TERMINATE", w.DONE[k % len(w.DONE)] + "\n\nTERMINATE"][v % 3])
        t.say("user_proxy", ["", w.PROMPTS[0], w.WELCOME[k % len(w.WELCOME)]][v % 3])


def l_done(t, v, w):
    for k in range(8):
        t.say("assistant", w.DONE[k % len(w.DONE)])
        t.say("manager", w.CONFIRM[k % len(w.CONFIRM)])


def l_steps(t, v, w):
    for _ in range(5):
        for k, s in enumerate(w.STEPS):
            t.say("executor" if k % 2 else "planner", f"Step {k + 1}: {s}")


def l_restart(t, v, w):
    task = fill(t.r, "Please {behaviour} in {module}.")
    for k in range(6):
        t.say("assistant", w.HELLO[k % (1 + v % len(w.HELLO))])
        t.say("user_proxy", task)
        t.say("assistant", w.PLAN[k % len(w.PLAN)])
        t.say("user_proxy", w.PUSH[k % len(w.PUSH)])


def l_attempts(t, v, w):
    for k in range(9):
        t.say("worker", w.ATTEMPT.replace("#", str(k + 1)))
        if v % 2:
            t.say("lead", w.PUSHES[k % len(w.PUSHES)])


def l_stamped(t, v, w):
    for k in range(10):
        t.say("watcher", f"[2026-11-20 12:{k:02d}:07] {w.STAMPED}")
        t.say("lead", w.GOAHEAD[k % 2])


def l_promise(t, v, w):
    for k in range(9):
        t.say("coder", w.PROMISE[k % len(w.PROMISE)])
        t.say("lead", w.GOAHEAD[k % len(w.GOAHEAD)])


def l_clarify(t, v, w):
    for k in range(9):
        t.say("a", w.CLARIFY[k % len(w.CLARIFY)])
        t.say("b", w.CLARIFY_BACK[k % len(w.CLARIFY_BACK)])


def l_parrot(t, v, w):
    s = fill(t.r, w.STUCK[v % len(w.STUCK)])
    for k in range(10):
        t.say(["a", "b", "c"][k % 3], s)


def l_dispute(t, v, w):
    for k in range(9):
        t.say("pro", w.YES[k % len(w.YES)])
        t.say("contra", w.NO[k % len(w.NO)])


def l_poll(t, v, w):
    for k in range(20):
        t.call("runner", "get_job_status", {"id": 7}, '{"state": "pending"}')


def l_two_tools(t, v, w):
    for k in range(6):
        t.call("dev", "read_file", {"path": "a.py"}, w.RESULT)
        t.call("dev", "list_dir", {"path": "."}, "a.py b.py c.py tests README.md setup.cfg docs")


def l_same_fix(t, v, w):
    for k in range(7):
        t.code("coder", w.APOLOGIES[k % len(w.APOLOGIES)], w.CODE, 1, trace("q", 2, "data['x']", w.ERROR))
        t.say("tester", w.PUSHES[k % len(w.PUSHES)])


def l_deadlock(t, v, w):
    for k in range(12):
        t.say(["a", "b", "c"][k % 3], w.DEADLOCK[k % (3 if v % 2 else len(w.DEADLOCK))])


def l_json(t, v, w):
    for k in range(8):
        t.say("router", json.dumps({"next": "worker", "reason": w.STUCK[0], "done": False}))
        t.say("worker", json.dumps({"status": "waiting", "need": "input"}))


def l_foreign(t, v, w):
    lines = w.FOREIGN[v % len(w.FOREIGN)]
    for k in range(12):
        t.say(["a", "b"][k % 2], lines[k % len(lines)])


def l_edit(t, v, w):
    for k in range(6):
        t.call("dev", "edit_file", {"path": "a.py", "old": "x = 1", "new": "x = 2"}, "Error: old text not found in a.py")
        t.call("dev", "read_file", {"path": "a.py"}, "x = 2\nprint(x)\n# the whole file is here and nothing more")


def l_continuing(t, v, w):
    for k in range(12):
        t.say("analyst", f"Step {k + 4}: {w.CONTINUING}")
        t.say("lead", w.GOAHEAD[k % 2])


def l_ledger(t, v, w):
    for k in range(7):
        t.say("orchestrator", json.dumps({"is_request_satisfied": {"answer": False, "reason": prose(t.r, 1)}, "is_in_loop": {"answer": k > 1, "reason": prose(t.r, 1)}, "is_progress_being_made": {"answer": False, "reason": "x"}, "next_speaker": {"answer": "web", "reason": "y"}}))
        t.say("web", w.STUCK[k % len(w.STUCK)])


def l_chant(t, v, w):
    work(t, 5)
    t.say("assistant", "Let me think. " + (w.STUCK[v % len(w.STUCK)] + " ") * 30)


def l_shuffled(t, v, w):
    pool = [fill(t.r, s) for s in t.r.sample(FACTS, 3)]
    for k in range(22):
        t.say(["a", "b"][k % 2], t.r.choice(pool) if k % 2 else w.PUSHES[t.r.randint(0, 2)])


LOOPING = [l_verbatim, l_both, l_objection, l_objection_paraphrased, l_apology, l_thanks, l_thanks_many, l_cycle(2), l_cycle(3), l_cycle(4), l_cycle(5), l_cycle(6), l_cycle(8), l_call,
           l_call_varied, l_call_error, l_code, l_code_varied, l_fix_break, l_code_success, l_empty, l_handoff, l_growing, l_monologue, l_terminate, l_done, l_steps, l_restart, l_attempts,
           l_stamped, l_promise, l_clarify, l_parrot, l_dispute, l_poll, l_two_tools, l_same_fix, l_deadlock, l_json, l_foreign, l_edit, l_continuing, l_ledger, l_chant, l_shuffled]


def write(folder, label, kinds, rounds, seed, words=None):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    for v in range(rounds):
        for k, kind in enumerate(kinds):
            kind_name = kind.__name__[2:]
            t = Talk(seed * 1000 + 100 * v + k, fill(random.Random(seed + k), "We have to {behaviour} for {module}, with {thing}."))
            if label == "looping":
                if v > 0:
                    work(t, [0, 12, 30][v % 3])
                kind(t, v, words)
            else:
                kind(t, v + seed)
            path = os.path.join(HERE, folder, f"{label}-{kind_name}-{v + 1}.json")
            with open(path, "w") as f:
                json.dump({"label": label, "kind": kind_name, "messages": t.m}, f, ensure_ascii=False, indent=0)
                f.write("\n")


if __name__ == "__main__":
    for folder in ("known", "held_out"):
        shutil.rmtree(os.path.join(HERE, folder), ignore_errors=True)
    write("known", "looping", LOOPING, 2, 1, First)
    write("known", "healthy", HEALTHY, 2, 2)
    write("held_out", "looping", LOOPING, 2, 3, Second)
    write("held_out", "healthy", HEALTHY, 2, 5)
