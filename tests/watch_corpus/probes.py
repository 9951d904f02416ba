#!/usr/bin/env python3
"""Writes `probes`: conversations that were thought up to trick the detectors, after they had passed the others.

    python3 probes.py

The healthy ones draw short sentences from small pools, keep rigid formats, play games; the looping ones use other words each
time, count their rounds, or repeat themselves only now and then.
"""
import json, os, random, shutil

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probes")
shutil.rmtree(HERE, ignore_errors=True)
os.makedirs(HERE)


def write(label, kind, messages):
    with open(os.path.join(HERE, f"{label}-{kind}.json"), "w") as f:
        json.dump({"label": label, "kind": kind, "messages": messages}, f, ensure_ascii=False, indent=0)
        f.write("\n")


files="main.py utils.py config.py models.py views.py tests.py api.py auth.py db.py cli.py parser.py cache.py".split()
verbs="refactor,document,test,optimize,simplify,review,rename,split".split(",")
issues=["an unused import","a missing docstring","a long function","a magic number","a duplicated block","an unclear name","a missing type hint"]
cities="Paris London Rome Berlin Madrid Lisbon Vienna Oslo Dublin Prague".split()
topics="climate change,renewable energy,public transport,electric cars,urban planning,water supply,housing,education".split(",")
pos=["has clear long-term benefits","is backed by recent studies","would create many jobs","reduces costs over time","improves quality of life"]
neg=["is too expensive at the moment","lacks public support","has unintended side effects","needs more evidence","is hard to implement"]
def um(n,c,**k): return dict(role="user",name=n,content=c,**k)
def call(n,tool,args,res,i): 
    return [dict(role="assistant",name=n,content="",tool_calls=[dict(id=f"c{i}",type="function",function=dict(name=tool,arguments=json.dumps(args)))]),dict(role="tool",tool_call_id=f"c{i}",name=tool,content=res)]
def H(kind):
    def deco(f): HS.append((kind,f)); return f
    return deco
HS=[]
@H("filewalk")
def _(r):
    m=[]
    for i in range(50):
        f=r.choice(files); m.append(um("Coder",f"I looked at {f} and found {r.choice(issues)} on line {r.randint(1,400)}.")); m.append(um("Reviewer",r.choice(["Please fix it.","Good find, please fix it.","OK.","Noted."])))
    return m
@H("filewalk_nonum")
def _(r):
    m=[]
    for i in range(50):
        f=r.choice(files); m.append(um("Coder",f"I decided to {r.choice(verbs)} {f} because it had {r.choice(issues)}.")); m.append(um("Reviewer",r.choice(["Looks good to me.","Approved.","Nice work.","OK, next one."])))
    return m
@H("polling")
def _(r):
    m=[];p=0
    for i in range(50):
        p=min(100,p+r.choice([0,0,1,2,3,5])); m+=call("Monitor","get_build_status",{"build_id":42},f"Build status: running ({p}%)",i)
    return m
@H("polling_stay")
def _(r):
    m=[]
    st=["queued"]*4+["running"]*9+["testing"]*8+["deploying"]*6+["verifying"]*8+["done"]
    for i,s in enumerate(st): m+=call("Monitor","check_status",{"id":42},s,i)
    while len(m)<100: m.append(um("Monitor",f"Final report part {len(m)}: {r.choice(cities)} {r.randint(1,999)}"))
    return m
@H("weather")
def _(r):
    m=[]
    for i in range(33):
        c=r.choice(cities); m+=call("Assistant","get_weather",{"city":c},f"{c}: {r.randint(-5,35)}C, {r.choice(['sunny','cloudy','rain','windy'])}",i); m.append(um("Assistant",f"It is {r.choice(['nice','warm','cold','grey'])} in {c}."))
    return m
@H("debate")
def _(r):
    m=[]
    for i in range(50):
        m.append(um("Pro",f"On {r.choice(topics)}: it {r.choice(pos)}, and moreover it {r.choice(pos)}.")); m.append(um("Con",f"But {r.choice(topics)} {r.choice(neg)}."))
    return m
@H("counting")
def _(r): return [um(["A","B"][i%2],str(i+1)) for i in range(100)]
@H("fizz")
def _(r): return [um(["A","B"][i%2],"FizzBuzz" if (i+1)%15==0 else "Fizz" if (i+1)%3==0 else "Buzz" if (i+1)%5==0 else str(i+1)) for i in range(100)]
@H("rps")
def _(r):
    m=[]
    for i in range(25): 
        a,b=r.choice(["rock","paper","scissors"]),r.choice(["rock","paper","scissors"]); m+= [um("Ref",f"Round {i+1}. Go!"),um("A",a),um("B",b),um("Ref",f"{a} vs {b}: "+("tie" if a==b else r.choice(["A wins","B wins"]))+".")]
    return m
@H("ttt")
def _(r):
    return [um("XO"[i%2],f"I play {r.choice('abc')}{r.randint(1,3)}.") for i in range(60)]+[um("Ref",f"Game {i} result: {r.choice(['X','O'])} wins in {r.randint(5,9)} moves") for i in range(40)]
@H("trueFalse")
def _(r):
    m=[]
    for i in range(34): m+=[um("Host",f"Statement {i+1}: {r.choice(cities)} is larger than {r.choice(cities)}. True or false?"),um("Player",r.choice(["True","False"])),um("Host",r.choice(["Correct.","Incorrect."]))]
    return m
@H("epochs")
def _(r):
    m=[];l=2.0
    for i in range(50): l*=.97; m+=[um("Trainer",f"Epoch {i+1}: training loss {l:.4f}, validation loss {l*1.1:.4f}"),um("Supervisor",r.choice(["Continue.","Keep going.","Good, continue."]))]
    return m
@H("executor")
def _(r):
    m=[]
    errs=["NameError: name 'foo%d' is not defined","TypeError: unsupported operand type(s) at step %d","IndexError: list index %d out of range","ValueError: bad value %d"]
    for i in range(50):
        m.append(um("assistant",f"Let me try this fix.\n```python\nx{i} = {r.randint(0,999)}\nprint(x{i})\n```"))
        m.append(um("user_proxy",f"exitcode: 1 (execution failed)\nCode output: Traceback (most recent call last):\n  File \"x.py\", line {i}\n{r.choice(errs)%i}" if r.random()<.6 else f"exitcode: 0 (execution succeeded)\nCode output: {r.randint(0,999)}"))
    return m
@H("executor_smallerr")
def _(r):
    m=[]
    errs=["NameError: name 'foo' is not defined","TypeError: unsupported operand","IndexError: list index out of range","ValueError: bad value","KeyError: 'id'","ImportError: no module x"]
    for i in range(50):
        m.append(um("assistant",f"Let me fix this.\n```python\nx{i} = {r.randint(0,999)}\nprint(x{i})\n```"))
        m.append(um("user_proxy",f"exitcode: 1 (execution failed)\nCode output: {errs[i%6] if r.random()<.5 else r.choice(errs)}" if r.random()<.5 else f"exitcode: 0 (execution succeeded)\nCode output: {r.randint(0,999)}"))
    return m
@H("codeok")
def _(r):
    m=[]
    for i in range(50):
        m.append(um("assistant",f"Next step.\n```python\nstep{i}()\n```")); m.append(um("user_proxy","exitcode: 0 (execution succeeded)\nCode output: \n"))
    return m
@H("standup")
def _(r):
    m=[]
    for d in range(20):
        m.append(um("Manager",f"Standup day {d+1}. Updates please."))
        for n in ("Ann","Bob","Cid","Dee"): m.append(um(n,f"Yesterday I worked on {r.choice(files)}. Today I will {r.choice(verbs)} {r.choice(files)}. No blockers."))
    return m
@H("interview")
def _(r):
    m=[]
    for i in range(50): m+=[um("Interviewer",f"Tell me about your experience with {r.choice(topics)} in {r.choice(cities)}."),um("Candidate",f"In {r.choice(cities)} I {r.choice(['led','built','studied','tested'])} a project about {r.choice(topics)}; it {r.choice(pos)}.")]
    return m
@H("ackchain")
def _(r):
    m=[]
    for i in range(25): m+=[um("Planner",f"Task {i+1}: {r.choice(verbs)} {r.choice(files)}."),um("Worker","OK, on it."),um("Worker",f"Done with task {i+1}."),um("Planner","Thanks.")]
    return m
@H("shop")
def _(r):
    m=[]
    for i in range(20): m+=[um("Customer",f"Do you have {r.choice(['apples','pears','milk','bread','eggs','tea'])}?"),um("Clerk",r.choice(["Yes, we do.","Yes, aisle %d."%r.randint(1,9)])),um("Customer",f"I take {r.randint(1,12)}."),um("Clerk",f"That is {r.randint(1,50)} euros."),um("Customer","Thank you.")]
    return m
@H("search")
def _(r):
    m=[]
    for i in range(33): m+=call("Researcher","search",{"q":f"{r.choice(topics)} {r.choice(cities)} {i}"},f"Result: {r.choice(topics)} in {r.choice(cities)} {r.choice(pos)} ({r.randint(1990,2024)})",i); m.append(um("Researcher",f"Found something on {r.choice(topics)}."))
    return m
@H("writefiles")
def _(r):
    m=[]
    for i in range(50): m+=call("Coder","write_file",{"path":f"f{i}.txt","content":str(i)},"success",i)
    return m
@H("samplesmall")
def _(r):
    m=[]
    for i in range(100): m.append(um(r.choice(["A","B","C"]),f"{r.choice(['I think','Maybe','Perhaps','I suggest'])} we should {r.choice(verbs)} {r.choice(files)} {r.choice(['first','next','today','later'])}."))
    return m
@H("email")
def _(r):
    m=[]
    for i in range(33): m+=[um("Writer",f"Draft {i+1}: Dear {r.choice(cities)} office, we {r.choice(verbs)} the {r.choice(topics)} plan. Kind regards."),um("Editor",f"Change the {r.choice(['opening','closing','tone','subject'])}, it {r.choice(neg)}."),um("Writer","Will do.")]
    return m
@H("tests_growing")
def _(r):
    m=[]
    for i in range(33): m+=[um("Dev",f"Added test number {i+1}."),]+call("Dev","run_tests",{},f"{i+1} passed in {r.random():.2f}s",i)
    return m
@H("tests_same")
def _(r):
    m=[]
    for i in range(25):
        m+=call("Dev","edit_file",{"path":r.choice(files),"change":f"edit {i}"},"File edited.",2*i)+call("Dev","run_tests",{},f"52 passed in {r.random():.2f}s",2*i+1)
    return m
@H("code_bash_tests")
def _(r):
    m=[]
    for i in range(25):
        m+=[um("Dev",f"Feature {i}.\n```python\nopen('f{i}.py','w').write('{r.randint(0,999)}')\n```"),um("exec","exitcode: 0 (execution succeeded)\nCode output: "),um("Dev","Run the tests.\n```sh\npytest -q\n```"),um("exec","exitcode: 0 (execution succeeded)\nCode output: 52 passed")]
    return m

for kind, make in HS:
    write("healthy", kind, [um("user", "Please do the work.")] + make(random.Random(5)))

def save(kind, m):
    write("looping", kind, [um("user", "Please solve the task about the sales report.")] + m)
def alt(a,b,A="assistant",B="user_proxy",n=12):
    m=[]
    for i in range(n): m.append(um(A,a[i%len(a)])); m.append(um(B,b[i%len(b)]))
    return m
cid=[0]
def called(n,tool,args,res,text=""):
    cid[0]+=1
    return [dict(role="assistant",name=n,content=text,tool_calls=[dict(id=f"c{cid[0]}",type="function",function=dict(name=tool,arguments=json.dumps(args)))]),dict(role="tool",tool_call_id=f"c{cid[0]}",content=res)]
save("para_cache",alt(["I think the best approach is to use a cache.","Using a cache would be the best approach here.","In my view, caching is the way to go.","We should go with caching.","Caching remains my recommendation.","My suggestion is still to add a cache."],["I'd rather precompute the values.","Precomputing the values seems better to me.","I prefer to precompute.","Precomputation is the better option.","Let us precompute the values instead.","No cache, precompute them."]))
save("para_long",alt(["To analyze the sales data, I first need to load the CSV file into a DataFrame. I'll begin by importing pandas and reading the file.","Before analyzing, the CSV must be loaded. My first step is importing pandas and reading it into a DataFrame.","Let me start by loading the CSV file with pandas so that we can analyze the sales data.","The first thing to do is to read the CSV into a pandas DataFrame and then analyze the sales.","I will load the sales CSV using pandas as a first step of the analysis."],["Great, please proceed with the analysis.","Sounds good, go ahead with the analysis.","Yes, continue with the analysis please."]))
save("gratitude_distinct",alt(["Thank you for the wonderful collaboration!","It was truly a pleasure working with you.","I'm grateful for this experience.","Your kind words mean a lot to me.","Wishing you all the best!","Thank you once more, take care!","Your support has been amazing.","Have a fantastic week ahead!"],["You're very welcome! The pleasure was mine.","Likewise! I enjoyed every moment.","The feeling is mutual, my friend.","Thank you for saying so!","All the best to you, too!","Goodbye and see you soon!","I appreciate you as well.","And you too, enjoy your week!"],n=8))
save("selector",[um(["Planner","Coder"][i%2],["I think the Coder should take this one.","This looks like a job for the Planner."][i%2]) for i in range(16)])
save("selector2",[um("chat_manager",f"Next speaker: {['Coder','Reviewer'][i%2]}") if i%2==0 else um(["Coder","Reviewer"][(i//2)%2],["I have nothing to add.","Nothing from my side."][(i//2)%2]) for i in range(24)])
save("grow",[x for i in range(10) for x in (um("Planner","Plan: 1) gather data "+"".join(f"{j+2}) refine the plan " for j in range(i))),um("Critic","The plan needs more detail."))])
save("grow2",[um("Writer","The report covers sales. "+"It should also be noted that sales matter. "*i) for i in range(1,12)])
save("grow_quote",[um(["A","B"][i%2],"> "*i+"Could you look at this? I think it is fine.") for i in range(12)])
save("fixbreak_text",alt(["I fixed the login bug, but now the signup test fails.","I fixed the signup test, but now the login bug is back."],["Please fix the signup test.","Please fix the login bug."],A="Coder",B="Tester",n=8))
def cex(code,out,ok=0): return [um("assistant",f"Let me try this.\n```python\n{code}\n```"),um("user_proxy",f"exitcode: {0 if ok else 1} (execution {'succeeded' if ok else 'failed'})\nCode output: {out}")]
save("fixbreak_code",[x for i in range(8) for x in cex(["a=fix_login()","b=fix_signup()"][i%2],["AssertionError: test_signup failed","AssertionError: test_login failed"][i%2])])
save("short_code_fail3",[x for i in range(4) for x in cex("import foo","ModuleNotFoundError: No module named 'foo'")])
save("code_fail_pipinstall",[x for i in range(6) for x in cex(f"import foo\nprint({i})","ModuleNotFoundError: No module named 'foo'")])
save("toolsame4",[x for i in range(5) for x in called("a","get_user",{"id":1},'{"id": 1, "name": "Ann", "mail": "a@x.org"}')])
qs=["refund","return policy","money back","refund conditions","how to return","send back item","cancel purchase","reimbursement"]
save("toolvary2",[x for q in qs for x in called("a","search_docs",{"query":q},"No relevant documents found for your query.")])
save("toolvary3",[x for q in qs for x in called("a","search_docs",{"query":q},"1. Shipping times and costs within Europe 2. Opening hours of our shops 3. Careers")])
save("toolerr_vary",[x for q in qs for x in called("a","open_page",{"url":"https://x.org/"+q.replace(' ','-')},"Error 404: page https://x.org/"+q.replace(' ','-')+" not found")])
save("empty_one",[x for i in range(6) for x in (um("assistant",""),um("user_proxy",""))])
save("empty_then",[x for i in range(7) for x in (um("assistant","   "),um("user_proxy","Please continue."))])
save("terminate",[x for i in range(6) for x in (um("assistant","TERMINATE"),um("user_proxy","What do you mean?"))])
save("terminate2",[x for i in range(6) for x in (um("assistant",["The report is ready. TERMINATE","I have already finished. TERMINATE","TERMINATE","There is nothing left. TERMINATE"][i%4]),um("user_proxy",["Is there anything else to add?","Please double check.","Are you sure?"][i%3]))])
save("step_rep",[x for i in range(5) for x in (um("planner","Step 1: Read the requirements."),um("worker","I have read the requirements."),um("planner","Step 2: Write the outline."),um("worker","The outline is written."),um("planner","All steps done. Let us begin."))])
save("restart",[x for i in range(5) for x in (um("assistant",["Hello! How can I help you today?","Hi! What can I do for you?"][i%2]),um("user_proxy","Please create the sales report."),um("assistant","Sure, I can create the sales report. Which period should it cover?"),um("user_proxy","The third quarter."),um("assistant","Great. I will start with the third quarter data."),um("user_proxy","Good."))])
save("restart_long",[x for i in range(4) for x in ([um("assistant","Hello, how can I help you?"),um("user_proxy","We need the sales report for the third quarter.")]+[um(["assistant","user_proxy"][j%2],f"Part {j+1} of the work: {w} the data.") for j,w in enumerate(["collecting","cleaning","joining","plotting","checking","describing"])])])
save("objection_vary",[x for i in range(8) for x in (um("Writer",f"Here is version {i+2} of the introduction. I changed the {['tone','length','examples','opening','order','title','wording','ending'][i]}."),um("Editor",["The introduction is too long.","It is still too long.","Too long, please shorten the introduction.","Please shorten it, the introduction is too long.","The introduction remains too long.","Shorter, please. It is too long.","This introduction is far too long.","Again, too long."][i]))])
save("think",[um("assistant",s) for s in ["Let me think about this step by step.","Hmm, let me think about it again.","I need to think about this more carefully.","Let me reconsider the problem.","Thinking about the problem again...","Let me think it through once more.","I should think about this carefully.","Let me think."]])
save("deadlock",alt(["I'll wait for the data from you.","Waiting for your data.","I can start as soon as I have the data."],["I'm waiting for your specification.","Please send the specification first.","I need the specification before sending data."],n=7))
save("yesno",alt(["Yes, it is.","Yes it is."],["No, it isn't.","No, it is not."],n=9))
save("abc_numbers",[um(["A","B","C"][i%3],[f"Iteration {i//3+1}: I propose option X.",f"Iteration {i//3+1}: I reject option X.",f"Iteration {i//3+1}: Let us vote again."][i%3]) for i in range(30)])
save("json_same",[x for i in range(7) for x in (um("planner",json.dumps({"action":"search","query":"sales","iteration":i})),um("worker",json.dumps({"result":[],"error":None})))])
save("apol",alt(["I apologize for the inconvenience. I am unable to access external websites.","Unfortunately I can't browse the internet.","I'm sorry, accessing websites is not possible for me.","As mentioned, I do not have internet access."],["Please fetch the page anyway.","You have a tool for that.","Use the browser tool.","Try the tool please."],n=6))
save("status_time",[um("bot",f"{10+i}:00 - no change detected.") for i in range(14)])
save("retry_forever",[um("bot",f"Connection failed. Retry {i+1}/100 in {2**min(i,6)} seconds.") for i in range(12)])
save("handoff_tools",[x for i in range(8) for x in called(["triage","billing"][i%2],["transfer_to_billing","transfer_to_triage"][i%2],{},["Transferred to billing.","Transferred to triage."][i%2])])
save("three_cycle_para",[um(["pm","dev","qa"][i%3],[["Dev, please fix the bug.","Please fix the bug, dev.","Dev, the bug needs a fix."],["I need the reproduction steps from QA.","QA, how can I reproduce it?","I can't reproduce it, QA please give me steps."],["PM has to decide on the priority first.","What is the priority, PM?","PM, please set the priority."]][i%3][(i//3)%3]) for i in range(27)])
save("read_same_file",[x for i in range(5) for x in called("dev","read_file",{"path":"main.py"},"def main():\n    print('hello world')\n    return 0\n",["Let me look at main.py.","I'll read main.py.","Checking the file."][i%3])])
save("write_same",[x for i in range(6) for x in called("dev","write_file",{"path":"main.py","content":"print(1)"},"File written.")])
save("long_prefix_verb",[um(["A","B"][i%2],f"Fact {i}: item {i*37%101} relates to city {i*53%97} by {i*71%89} units.") for i in range(40)]+alt(["I don't understand the question."],["What do you not understand?"],n=5))
