#!/usr/bin/env python3
"""Writes `fresh` and `unseen`: a third family of conversations, by one who had not read the rules of the detectors' thresholds
while writing them: other trades, languages and shapes, with seeds.

    python3 fresh.py

Seeds 1 to 3 of each kind are `fresh`, which may be looked at when a detector is changed. Seeds 11 to 13 are `unseen`: nobody
tunes on them, and their figures are published as they come.
"""
import json, os, random, shutil

HERE = os.path.dirname(os.path.abspath(__file__))
HEALTHY, LOOPING = [], []


def healthy(f):
    HEALTHY.append((f.__name__[2:], f))
    return f


def looping(f):
    LOOPING.append((f.__name__[2:], f))
    return f


def say(m, who, text):
    m.append({"role": "user", "name": who, "content": text})


def call(m, who, tool, args, result, text=""):
    i = f"t{len(m)}"
    m.append({"role": "assistant", "name": who, "content": text, "tool_calls": [{"id": i, "type": "function", "function": {"name": tool, "arguments": json.dumps(args, ensure_ascii=False)}}]})
    m.append({"role": "tool", "tool_call_id": i, "name": tool, "content": result})


def run(m, who, runner, words, code, exit_code, output):
    say(m, who, f"{words}\n\n```python\n{code}\n```")
    state = "execution succeeded" if exit_code == 0 else "execution failed"
    say(m, runner, f"exitcode: {exit_code} ({state})\nCode output: {output}")


SUBJECTS = "the harbour,the old mill,our archive,the ticket office,the night shift,the greenhouse,the ferry line,the school kitchen,the tram depot,the water tower,the museum shop,the seed bank,the rowing club,the orchard,the quarry,the lighthouse,the print room,the fire station,the ice rink,the clock tower".split(",")
VERBS = "needs,has lost,now keeps,will share,shows,hides,gives up,depends on,replaces,measures,borrows,exports,stores,repairs,questions,rations,advertises,documents,insures,delays".split(",")
OBJECTS = "its spare keys,two hundred crates,a cheaper supplier,the winter budget,more daylight,an honest census,the southern gate,a second opinion,better signage,its oldest contract,the flood barrier,three apprentices,a quieter compressor,the visitor log,half its parking,an open tender,the cold chain,public trust,a longer lease,salt-proof cables".split(",")
REASONS = "because the inspection in March found rust,since the council voted against it,although nobody asked the tenants,which the survey of {n} households confirms,while fuel costs {n} a litre,as the {n} figures show,unless the grant of {n} comes through,after what happened in {n},even if it takes {n} days,and the insurers want proof by week {n},so that the {n} members can vote,despite the leak on floor {n}".split(",")


def fact(r):
    s = f"{r.choice(SUBJECTS)} {r.choice(VERBS)} {r.choice(OBJECTS)} {r.choice(REASONS).format(n=r.randint(2, 2999))}."
    return s[0].upper() + s[1:]


# ------------------------------------------------------------------------------------------------ healthy

@healthy
def h_debate(r, m):
    for k in range(50):
        a, b = ("Proponent", "Opponent") if k % 2 == 0 else ("Opponent", "Proponent")
        say(m, a, r.choice(["Thank you for that point. ", "I appreciate the argument, but ", "With respect, ", "That is fair. However, ", "Allow me to disagree: "]) + fact(r) + " " + fact(r))
        say(m, b, r.choice(["I see what you mean. ", "Thank you. ", "Fair enough, yet ", "I must object. "]) + fact(r))


@healthy
def h_checklist(r, m):
    steps = [f"{v} {o}" for v, o in zip("book,measure,clean,label,order,paint,test,ship,file,insure,weigh,count,seal,scan,stack,verify,print,sort,wire,invoice,dry,grease,align,charge,pack".split(","), OBJECTS + SUBJECTS)]
    for k in range(len(steps)):
        table = "\n".join(f"- [{'x' if i <= k else ' '}] {s}" for i, s in enumerate(steps))
        say(m, "Worker", f"Done: {steps[k]}.")
        say(m, "Planner", f"Current plan:\n{table}\n\nNext: {steps[(k + 1) % len(steps)]}.")
        say(m, "Worker", r.choice(["On it.", "Starting now.", "OK.", "Will do."]))
        if r.random() < .4:
            say(m, "Planner", fact(r))


@healthy
def h_fewer_failures(r, m):
    failed, k = r.randint(38, 46), 0
    while failed > 0:
        k += 1
        failed -= r.choice([0, 1, 1, 1, 2, 3])
        failed = max(failed, 0)
        name = f"test_{r.choice(SUBJECTS).split()[-1]}_{k}"
        run(m, "Coder", "Runner", r.choice(["Next attempt.", "I changed the guard; running again.", "Smaller step this time.", "This handles the edge case."]), f"patch_{k} = {r.randint(1, 9999)}\npytest.main(['-q'])", 0 if failed == 0 else 1, f"{failed} failed, {60 - failed} passed\nFAILED {name} - AssertionError: {r.randint(1, 99)} != {r.randint(100, 999)}" if failed else "60 passed")
        if len(m) > 110:
            break


@healthy
def h_same_error_new_line(r, m):
    for k in range(1, 26):
        run(m, "Coder", "Runner", f"Migrating module {k} of 25.", f"migrate('module_{k}')", 1, f"DeprecationWarning treated as error in module_{k}.py, line {r.randint(5, 400)}")
        run(m, "Coder", "Runner", "Replaced the deprecated call there.", f"replace('module_{k}', 'old_{k}', 'new_{k}')\nmigrate('module_{k}')", 0, f"module_{k} migrated")


@healthy
def h_paging(r, m):
    for k in range(50):
        rows = ", ".join(f"{r.choice(SUBJECTS)} {r.randint(10, 99)}" for _ in range(4))
        call(m, "Clerk", "list_orders", {"page": k + 1, "size": 4}, f'{{"page": {k + 1}, "rows": "{rows}"}}', r.choice(["", "", "Next page."]))


@healthy
def h_search(r, m):
    for k in range(34):
        q = f"{r.choice(OBJECTS)} {r.choice(SUBJECTS)} {r.randint(1950, 2024)}"
        hit = "No results found." if r.random() < .25 else f"1. {fact(r)} 2. {fact(r)}"
        call(m, "Scout", "web_search", {"query": q}, hit)
        say(m, "Scout", f"From this I take: {fact(r)}" if hit[0] == "1" else f"Nothing there; I will look for {r.choice(OBJECTS)} instead, {r.choice(['in the archive', 'in the trade press', 'on the council site'])}.")


@healthy
def h_desk(r, m):
    for k in range(17):
        n = f"{r.choice(['Ms', 'Mr'])} {r.choice('Abara,Brandt,Castro,Dubois,Eriksen,Fabbri,Gruber,Hansen,Ito,Jansen,Kovac,Lund,Moreau,Novak,Okafor,Popescu,Quinn'.split(','))}"
        say(m, "Desk", f"Good morning {n}, how can I help you today?")
        say(m, "Customer", f"Hello! {fact(r)} What can you do about ticket {r.randint(1000, 9999)}?")
        say(m, "Desk", f"I have looked it up: {fact(r)}")
        say(m, "Customer", r.choice(["Thank you, that helps.", "Great, thanks!", "Perfect, thank you very much."]))
        say(m, "Desk", r.choice(["You are welcome. Have a nice day!", "My pleasure. Goodbye!"]))
        say(m, "Desk", f"Closing the ticket with code {r.randint(1, 60)}-{r.choice('ABCDEF')}.")


@healthy
def h_german(r, m):
    wer = "Der Hafen,Die Werkstatt,Das Archiv,Der Kiosk,Die Fähre,Das Museum,Der Verein,Die Schule,Das Lager,Die Küche".split(",")
    tut = "braucht,verliert,meldet,verkauft,prüft,verschiebt,bezahlt,verleiht,sammelt,sperrt".split(",")
    was = "zweihundert Kisten,den alten Vertrag,die Winterkasse,drei Lehrlinge,das südliche Tor,die Kühlkette,einen Gutachter,den Fahrplan,die Besucherliste,neue Schilder".split(",")
    for k in range(100):
        say(m, ["Anna", "Bernd", "Clara"][k % 3], f"{r.choice(['Zu Punkt', 'Zur Frage', 'Bei Vorgang'])} {k + 1}: {r.choice(wer)} {r.choice(tut)} {r.choice(was)}, {r.choice(['weil', 'obwohl', 'sobald'])} {r.choice(wer).lower()} {r.choice(was)} {r.choice(tut)}.")


@healthy
def h_spanish(r, m):
    quien = "el puerto,la biblioteca,el mercado,la escuela,el taller,la cooperativa,el museo,la estación,el ayuntamiento,la clínica".split(",")
    hace = "necesita,pierde,comparte,revisa,vende,guarda,mide,repara,anuncia,retrasa".split(",")
    que = "doscientas cajas,el contrato viejo,el presupuesto de invierno,tres aprendices,la puerta sur,la cadena de frío,un perito,el horario,la lista de visitas,carteles nuevos".split(",")
    for k in range(100):
        a, b = r.choice(quien), r.choice(quien)
        say(m, ["Marta", "Luis"][k % 2], f"{r.choice(['Según el acta', 'Por otra parte', 'Además', 'En cambio', 'De acuerdo, pero'])}, {a} {r.choice(hace)} {r.choice(que)} y {b} {r.choice(hace)} {r.choice(que)} ({r.randint(2, 999)}).")


@healthy
def h_chinese(r, m):
    who = "港口 档案馆 食堂 仓库 学校 车站 果园 博物馆 印刷室 水塔".split()
    does = "需要 失去 检查 出租 修理 推迟 统计 购买 封存 更换".split()
    what = "两百个箱子 旧合同 冬季预算 三名学徒 南门 冷链 访客名单 新路牌 防洪墙 电缆".split()
    for k in range(100):
        say(m, ["小王", "小李", "小陈"][k % 3], f"第{k + 1}项:{r.choice(who)}{r.choice(does)}{r.choice(what)},因为{r.choice(who)}在{r.randint(1950, 2024)}年{r.choice(does)}了{r.choice(what)}。")


@healthy
def h_translate(r, m):
    for k in range(50):
        line = fact(r)
        say(m, "Source", f"Line {k + 1}: {line}")
        say(m, "Translator", f"Line {k + 1} (draft): " + " ".join(reversed(line.rstrip(".").split())))


@healthy
def h_quiz(r, m):
    for k in range(33):
        a, b = r.randint(12, 99), r.randint(12, 99)
        say(m, "Teacher", f"Question {k + 1}: what is {a} times {b}?")
        say(m, "Pupil", f"It is {a * b}.")
        say(m, "Teacher", r.choice(["Correct!", "Right.", "Well done.", "Correct. Next one."]))


@healthy
def h_interview(r, m):
    for k in range(50):
        say(m, "Interviewer", r.choice(["What about", "How did you deal with", "Could you say more on", "Why mention", "Who decided on"]) + f" {r.choice(OBJECTS)} at {r.choice(SUBJECTS)}?")
        say(m, "Guest", r.choice(["Good question. ", "Well, ", "To be honest, ", "", "That goes back a while. "]) + fact(r) + " " + fact(r))


@healthy
def h_whole_file(r, m):
    lines = [f"def {s.split()[-1]}():\n    return {r.randint(1, 999)}" for s in SUBJECTS]
    for k in range(25):
        i = r.randrange(len(lines))
        lines[i] = lines[i].rsplit("return", 1)[0] + f"return {r.randint(1000, 99999)}"
        run(m, "Coder", "Runner", f"Whole file again, with {SUBJECTS[i].split()[-1]} corrected.", "\n\n".join(lines), 0, f"{k + 20} checks passed, {max(0, 25 - k)} left")
        say(m, "Critic", r.choice(["Better.", "One step on.", "Good."]) + f" Now look at {r.choice(SUBJECTS).split()[-1]}.")
        say(m, "Coder", r.choice(["Right.", "Looking.", "Yes."]))


@healthy
def h_batch_ok(r, m):
    for k in range(50):
        call(m, "Importer", "import_file", {"path": f"data/{r.choice(SUBJECTS).split()[-1]}_{k}.csv"}, "ok")


@healthy
def h_wait_for_build(r, m):
    stages = ["queued"] * 6 + ["cloning"] * 4 + ["compiling"] * 11 + ["testing"] * 10 + ["packaging"] * 5 + ["published"]
    for s in stages:
        call(m, "Watcher", "get_build_status", {"id": 7}, json.dumps({"stage": s}))
    while len(m) < 100:
        say(m, ["Watcher", "Lead"][len(m) % 2], fact(r))


@healthy
def h_moderated(r, m):
    names = "Ada,Ben,Chi,Dag".split(",")
    for k in range(25):
        say(m, "Chair", "Thank you. Who would like to speak next?")
        for n in r.sample(names, 3):
            say(m, n, fact(r))


@healthy
def h_numbers(r, m):
    low, high, target = 1, 10 ** 9, r.randint(1, 10 ** 9)
    for k in range(50):
        mid = r.randint(low, high)
        say(m, "Guesser", f"Is it {mid}?")
        say(m, "Keeper", "Higher." if mid < target else "Lower.")
        low, high = (mid, high) if mid < target else (low, mid)
        if high - low < 3:
            low, high, target = 1, 10 ** 9, r.randint(1, 10 ** 9)


@healthy
def h_long_review(r, m):
    for k in range(50):
        f, n = r.choice(SUBJECTS).split()[-1], r.randint(3, 900)
        say(m, "Reviewer", f"{f}.rs:{n}: " + r.choice(["this allocates in the loop", "the error is swallowed", "the name says the opposite", "no test covers this branch", "an off-by-one at the upper end", "the lock is held across the call", "this comment is out of date"]) + f"; {r.choice(['prefer', 'consider', 'try'])} {r.choice(VERBS)} {r.choice(OBJECTS)}.")
        say(m, "Author", r.choice(["Fixed.", "Agreed, changed.", f"I disagree: {fact(r)}", "Done, with a test.", f"Changed in {r.randint(100, 999)}ab."]))


# ------------------------------------------------------------------------------------------------ looping

def warm(r, m, turns, names=("Lead", "Dev", "Tester")):
    for k in range(turns):
        say(m, names[k % len(names)], fact(r) + (" " + fact(r) if r.random() < .5 else ""))


@looping
def l_after_you(r, m):
    warm(r, m, r.randint(4, 40))
    a = ["After you, please go ahead.", "No, please, you first.", "I would rather you began.", "Please do start, I will follow.", "You go first, I insist.", "I will wait for you to begin."]
    for k in range(40):
        say(m, ["Lead", "Dev"][k % 2], r.choice(a))


@looping
def l_sorry(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(20):
        say(m, "Dev", r.choice(["I apologize for the confusion. Let me correct that right away.", "My apologies for the mistake, I will correct it right away.", "Sorry about the confusion, I will correct that now.", "I'm sorry for the error. Let me fix this right away."]))
        say(m, "Lead", r.choice(["It is still wrong, please correct it.", "That is still not correct. Please fix it.", "Still the same mistake. Please correct it."]))


@looping
def l_same_code(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(12):
        run(m, "Dev", "Runner", r.choice(["Let me try that again.", "This should work now.", "Trying once more.", "Now with the fix."]), "import yaml\n" + r.choice(["", "# second look\n", "\n"]) + "print(yaml.safe_load(open('a.yml')))", 1, "Traceback (most recent call last):\n  File \"/tmp/x.py\", line %d, in <module>\nModuleNotFoundError: No module named 'yaml'" % r.randint(1, 3))


@looping
def l_no_results(r, m):
    warm(r, m, r.randint(4, 40), ("Scout", "Lead", "Writer"))
    for k in range(16):
        q = " ".join(r.sample(["harbour", "rust", "inspection", "report", "march", "council", "pdf"], 4))
        call(m, "Scout", "web_search", {"query": q}, "No results found.", r.choice(["", "Let me search again.", "Trying other words."]))


@looping
def l_permission(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(14):
        call(m, "Dev", "write_file", {"path": r.choice(["/etc/app.conf", "/etc/app.conf", "/etc/./app.conf"]), "text": f"v{k}"}, "Error: permission denied: /etc/app.conf")


@looping
def l_plan_again(r, m):
    warm(r, m, r.randint(4, 40))
    steps = ["collect the requirements", "design the schema", "write the loader", "test it on a sample", "document the result"]
    for k in range(20):
        r.shuffle(steps) if k % 5 == 4 else None
        say(m, "Planner", r.choice(["Here is the plan", "To move forward, this is the plan", "The plan is as follows", "Let us agree on the plan"]) + ": first " + ", then ".join(steps) + ".")
        say(m, "Dev", r.choice(["That plan looks good, shall we begin?", "Good plan. Shall we start?", "I agree with this plan."]))


@looping
def l_clarify(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(18):
        say(m, "Dev", r.choice(["Which date format should the export use?", "Could you tell me which date format the export should use?", "I still need to know the date format for the export.", "What date format do you want in the export?"]))
        say(m, "Lead", r.choice(["Please go on with the export.", "Just continue with the export, please.", "Go ahead with the export."]))


@looping
def l_round(r, m):
    warm(r, m, r.randint(4, 40))
    block = [("Lead", fact(r)), ("Dev", fact(r)), ("Tester", fact(r)), ("Lead", fact(r)), ("Dev", fact(r))]
    for k in range(10):
        for who, text in block:
            say(m, who, text)


@looping
def l_danke(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(12):
        say(m, "Anna", r.choice(["Vielen Dank, das war eine tolle Zusammenarbeit!", "Danke dir, bis bald!", "Herzlichen Dank und alles Gute!"]))
        say(m, "Bernd", r.choice(["Ich danke dir! Bis zum nächsten Mal.", "Gern geschehen, bis bald!", "Danke ebenfalls, alles Gute!"]))


@looping
def l_gracias(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(12):
        say(m, "Marta", r.choice(["¡Muchas gracias por todo!", "Gracias a ti, hasta pronto.", "Mil gracias, ha sido un placer."]))
        say(m, "Luis", r.choice(["De nada, gracias a ti.", "Un placer, hasta luego.", "¡Gracias, que tengas un buen día!"]))


@looping
def l_chinese(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(14):
        say(m, "小王", r.choice(["请您先确认接口文档,然后我再继续。", "请先确认接口文档,之后我再继续。", "麻烦您先确认接口文档,我再继续。"]))
        say(m, "小李", r.choice(["请您先开始,我随后确认接口文档。", "您先开始吧,我随后再确认接口文档。"]))


@looping
def l_still_working(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(20):
        say(m, "Lead", r.choice(["Any news?", "How far is it?", "Is it done?", "What is the status?"]))
        say(m, "Dev", r.choice(["I am still working on it and will report back soon.", "Still working on it, I will get back to you shortly.", "Working on it; I will report back as soon as it is done."]))


@looping
def l_flip(r, m):
    warm(r, m, r.randint(4, 40))
    for k in range(14):
        a = k % 2 == 0
        run(m, "Dev", "Runner", "I use a list here now." if a else "I went back to a tuple here.", "x = [1, 2]\nprint(hash(x))" if a else "x = (1, 2)\nx[0] = 3", 1, "TypeError: unhashable type: 'list'" if a else "TypeError: 'tuple' object does not support item assignment")


@looping
def l_long_shuffled(r, m):
    warm(r, m, r.randint(4, 40))
    parts = [fact(r) for _ in range(12)]
    for k in range(14):
        r.shuffle(parts)
        say(m, "Writer", "Here is the revised summary. " + " ".join(parts))
        say(m, "Editor", r.choice(["Please revise the summary once more.", "It reads as before. Please revise it.", "Please revise it again."]))


@looping
def l_late(r, m):
    warm(r, m, 70)
    for k in range(15):
        say(m, "Dev", "The build is broken because of the missing header. Waiting for Lead to add it.")
        say(m, "Lead", r.choice(["Waiting for Dev to fix the build.", "I am waiting until Dev has fixed the build."]))


@looping
def l_handoff(r, m):
    warm(r, m, r.randint(4, 30))
    for k in range(12):
        call(m, "Triage", "transfer_to_billing", {}, "Transferred to billing.")
        call(m, "Billing", "transfer_to_triage", {}, "Transferred to triage.")


def write(folder, seeds):
    where = os.path.join(HERE, folder)
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    for label, kinds in (("healthy", HEALTHY), ("looping", LOOPING)):
        for n, (kind, make) in enumerate(kinds):
            for seed in seeds:
                r = random.Random(seed * 1000 + n)
                m = [{"role": "user", "name": "user", "content": "Please work on this together: " + fact(r)}]
                make(r, m)
                with open(os.path.join(where, f"{label}-{kind}-{seed}.json"), "w") as f:
                    json.dump({"label": label, "kind": kind, "messages": m[:130] if label == "healthy" else m}, f, ensure_ascii=False, indent=0)
                    f.write("\n")


write("fresh", (1, 2, 3))
write("unseen", (11, 12, 13))
