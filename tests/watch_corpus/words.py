"""Wordings for write.py. `First` was there while the detectors were written, `Second` came after."""
SLOTS = {
    "module": "parser scheduler cache router logger planner indexer tokenizer encoder mailer ledger importer exporter gateway renderer resolver validator allocator balancer archiver crawler formatter linter profiler notifier uploader".split(),
    "thing": ["the retry policy", "unit tests", "an upper bound", "the schema of orders", "a lock file", "the empty case", "Unicode names", "a migration", "time zones", "the second page", "rate limits", "a rollback", "access rights", "the audit log", "a feature flag", "memory use", "the cold start", "duplicate rows", "a checksum", "the nightly export", "old clients", "the price table", "a progress bar", "dark mode"],
    "behaviour": ["reject negative amounts", "stream its output", "keep the order of rows", "time out after ten seconds", "fall back to the mirror", "log what it drops", "survive a restart", "read both formats", "skip what is known", "ask before deleting", "merge equal entries", "escape quotes", "warn about gaps", "count distinct users", "sort by date", "hide secrets", "report partial results", "honour the locale", "close idle connections", "sign each request", "cap its memory", "work offline", "split large files", "round half up"],
    "trouble": ["never arrived", "the wrong colour", "a cracked screen", "been billed twice", "a missing invoice", "an odd smell", "a login that fails", "late delivery", "a broken hinge", "no manual", "the wrong size", "a noisy fan", "an expired coupon", "a blank page", "lost settings", "a name misspelt"],
}
FACTS = [
    "The {module} reads its input twice, which costs us about a third of the time.",
    "I measured {thing} on the staging data and it explains the gap.",
    "Since Tuesday the {module} has to {behaviour}, otherwise customers complain.",
    "If we let the {module} {behaviour}, {thing} becomes simpler.",
    "Nobody has looked at {thing} since the {module} was rewritten.",
    "My proposal is to move {thing} out of the {module} and into the {module}.",
    "A user in Lisbon saw {trouble} after we changed {thing}.",
    "For the release we need {thing}; the {module} can wait.",
    "Two of the five workers crashed because the {module} did not {behaviour}.",
    "I wrote down three options for {thing}, cheapest first.",
    "The contract says we must {behaviour} whenever {thing} is touched.",
    "With {thing} in place, the {module} could {behaviour} by itself.",
    "Legal asks whether the {module} may keep {thing} for a year.",
    "The numbers from March show that {thing} matters more than the {module}.",
    "Let us draw a line between the {module} and the {module} before we touch {thing}.",
    "An older paper suggests to {behaviour} first and to measure afterwards.",
    "Support counted nine tickets about {trouble} this week.",
    "The smallest change is one flag that makes the {module} {behaviour}.",
    "Accessibility testers want the {module} to {behaviour} in large print as well.",
    "Budget is left for {thing}, not for a new {module}.",
    "I can show a sketch where the {module} feeds the {module} directly.",
    "Because of {trouble} in the field we ship {thing} earlier.",
    "The competitor's {module} does not {behaviour}; ours should.",
    "Caching {thing} for a minute takes the load off the {module}.",
]
FEATURES = ["invoice import", "password reset", "csv export", "dark-mode", "two-factor login", "audit trail", "bulk upload", "search filters", "webhook retries", "image resize", "time-zone picker", "soft delete", "rate limiter", "email digest", "role editor", "backup job", "usage chart", "api tokens", "undo stack", "print view"]
ERRORS = ["KeyError", "ValueError", "TypeError", "IndexError", "AttributeError", "FileNotFoundError", "ZeroDivisionError", "NameError"]
NAMES = ["Acme", "Borg & Sons", "Cyan Ltd", "Dorn", "Elm Street Foods", "Fjord AS", "Gable", "Hotel Mira", "Inkwell", "Juno", "Kappa", "Lumen", "Moss"]
QUIZ = [("What is the capital of France?", "Paris"), ("Which planet is the largest?", "Jupiter"), ("Who wrote Faust?", "Goethe"), ("What is the square root of 144?", "12"), ("Which metal is liquid at room temperature?", "Mercury"),
        ("How many strings has a violin?", "Four"), ("What is the capital of Spain?", "Madrid"), ("Which river runs through Cairo?", "The Nile"), ("What gas do plants take in?", "Carbon dioxide"), ("Who painted Guernica?", "Picasso"),
        ("What is the smallest prime?", "Two"), ("Which ocean is the deepest?", "The Pacific"), ("What is the capital of Peru?", "Lima"), ("Which bird cannot fly and lives in New Zealand?", "The kiwi"), ("In which year did the wall fall in Berlin?", "1989"),
        ("What is H2O?", "Water"), ("Which language has the most native speakers?", "Mandarin"), ("How many sides has a hexagon?", "Six"), ("What is the capital of Kenya?", "Nairobi"), ("Who discovered penicillin?", "Fleming"),
        ("Which instrument has 88 keys?", "The piano"), ("What is the chemical sign of gold?", "Au"), ("Which country has the most islands?", "Sweden"), ("How many hearts has an octopus?", "Three"), ("What is the longest bone of the body?", "The femur"),
        ("Which element comes first in the table?", "Hydrogen"), ("What is the capital of Norway?", "Oslo"), ("Who composed The Four Seasons?", "Vivaldi"), ("How many minutes has a day?", "1440"), ("What is the hardest mineral?", "Diamond"),
        ("Which sea has no coast?", "The Sargasso Sea"), ("What is the currency of Japan?", "The yen"), ("What do bees make?", "Honey")]
CHAIN = "apple elephant tiger rabbit table eagle engine envelope echo orange egg garden night train nest tower river rain needle enamel lemon nut tulip pencil lamp pillow window wagon noodle ladder rocket tent trumpet turtle energy yarn nail lake kite ember rope package ear root thunder ring grape echoing gate exit tree evening goat toast town north hill lion ocean net tea ant tomato oven nurse earth horse egret tray yellow west tune east task key yard desk kettle elbow water rug glass salt tuna arrow wind dune eel log gold dance end door reef frog".split()


class First:
    STUCK = ["I'm sorry, but I cannot access the file. Could you please provide the contents of the file so that I can continue?",
             "We should first define the requirements before we write any code for this feature.",
             "The analysis is not possible without the sales data for the third quarter of the year."]
    PUSH = ["Please go on with the task as described above.", "Let's define them then. What do you suggest we do first?", "Please use the data that you have and try again."]
    PROMPTS = ["Please continue.", "Please continue with the task.", "Continue."]
    OBJECTION = ["The change still has no test for an empty list. Please add one before I can approve it.", "NEEDS_FIX: the function does not handle negative numbers.", "This must not be merged without documentation of the new option."]
    OBJECTIONS = ["There is still no test for the empty input.", "I don't see a test that covers empty input.", "The empty input case is still not tested.", "Please add a test for empty input; it is missing.", "Without a test for an empty input I can't approve this.",
                  "The test of the empty input is missing here.", "As I said, empty input needs a test.", "What about empty input? A test for it is still missing.", "We need a test which covers the empty input.", "Once more: the test for empty input is missing."]
    CLAIMS = ["I have updated the code as requested.", "The code has been updated.", "I've fixed it, please check again.", "Done, I updated the code.", "The code is now corrected, please review.", "I have corrected the code again.", "I've made the requested change in the code."]
    APOLOGIES = ["I apologize for the confusion. Let me fix the error in the code.", "Sorry about that! I'll correct the error in the code now.", "My apologies for the error. Here is the corrected code.", "I'm sorry for the mistake; the code is corrected now.", "Apologies for the oversight. I have fixed the error in my code."]
    PUSHES = ["It still fails with the same error.", "Same error as before, please fix it.", "The error is still there.", "That did not work, the same error again.", "Still the same error."]
    THANKS = ["Thank you so much for your help!", "Thanks again, I really appreciate it!", "Thank you! You have been very helpful.", "Thanks, have a great day!", "Thank you, goodbye!", "I appreciate your kindness. Take care!"]
    WELCOME = ["You're welcome! Let me know if you need anything else.", "My pleasure! Have a wonderful day!", "You're very welcome! Happy to help anytime.", "Glad I could help! Take care!", "Goodbye, and best wishes!", "No problem at all, feel free to reach out."]
    RESULT = "Atlantis is a fictional island mentioned in Plato's works Timaeus and Critias, and it has no recorded population."
    QUERIES = ["population of Atlantis", "Atlantis inhabitants count", "how many people live in Atlantis", "Atlantis census", "Atlantis population 2024", "number of residents Atlantis", "Atlantis demographics", "Atlantis people statistics"]
    BADCALL = ("query_db", {"sql": "SELECT * FROM ordrs"}, "Error: relation \"ordrs\" does not exist")
    SAMECODE = ["Here is the code.", "Let me run this.", "This should work now.", "I have fixed the problem:", "Please run this code:"]
    CODE = "data = load('x.json')\nprint(data['x'])"
    ERROR, ERROR2 = "KeyError: 'x'", "TypeError: list indices must be integers"
    RERUN = ["Let me verify the result.", "Running it once more to be sure.", "Let me double-check the output.", "I will run the code again."]
    OUTPUT = "The mean of the column is 42.7 and the standard deviation is 3.1"
    TO_BILLING = ["This is a billing matter. I'll hand you over to the billing team.", "Billing has to look at this, transferring you to billing.", "I am passing this on to the billing team since it is about billing."]
    TO_SUPPORT = ["This is a technical matter. I'll hand you back to the support team.", "Support has to look at this, transferring you to support.", "I am passing this back to the support team since it is technical."]
    GROW = ["Then we can start with the design.", "After that we review the design.", "Then we start with the design.", "Finally we review the design again."]
    WAITING = ["I am waiting for your input.", "Still waiting for your input.", "Please provide your input so that I can proceed.", "Waiting for a response.", "I'm standing by for your input.", "Let me know when you are ready.", "Any update?"]
    DONE = ["The task is complete.", "Everything is done, nothing more to do.", "All steps have been completed successfully.", "The task has been completed, no further action is required."]
    CONFIRM = ["Great, the task is complete then.", "Agreed, everything is done.", "Confirmed, no further action required.", "Understood, the task is finished."]
    STEPS = ["open the configuration file and read the settings.", "compare the settings with the defaults.", "write the differences into the report.", "send the report to the reviewer."]
    HELLO = ["Hello! How can I help you today?", "Hi there! How can I assist you today?", "Hello! What can I do for you?"]
    PLAN = ["I will start by reading the requirements, then I will write the code.", "First I'll read the requirements, afterwards I'll write the code."]
    ATTEMPT = "Attempt #: connecting to the database failed, trying again."
    STAMPED = "No new messages in the queue, still waiting."
    GOAHEAD = ["Go ahead.", "Please proceed.", "Sounds good, go ahead.", "Yes, please do it."]
    PROMISE = ["I will now start writing the code.", "Sure, I'll begin with the code right away.", "I'm going to write the code now.", "Okay, I will get started on the code.", "Let me start with the implementation now."]
    CLARIFY = ["Could you please clarify what you need?", "Can you clarify your question?", "I need more information to answer.", "Please specify what exactly you need."]
    CLARIFY_BACK = ["What would you like me to clarify?", "Which part should I clarify?", "Could you tell me which information you need?", "What exactly is unclear?"]
    YES = ["We should use PostgreSQL for this.", "PostgreSQL is the right choice here.", "I still think PostgreSQL is right for this.", "As I said, we should use PostgreSQL."]
    NO = ["No, MongoDB is the better choice.", "I disagree, MongoDB is better here.", "MongoDB is still the better choice.", "As I said, MongoDB is better."]
    DEADLOCK = ["I am waiting for b to finish its part.", "I'm waiting for c before I can start.", "I can't start until a is done.", "Still waiting for b.", "Waiting for c, nothing to do yet.", "I will start as soon as a is done."]
    FOREIGN = [["Ich warte noch auf die Daten aus dem dritten Quartal.", "Die Daten kommen, sobald du die Anfrage gestellt hast."], ["谢谢你的帮助!", "不客气,还有什么需要吗?"], ["Necesito más información para continuar con la tarea.", "¿Qué información necesitas exactamente?"]]
    CONTINUING = "continuing the analysis of the data."


class Second:
    STUCK = ["As an AI model I have no access to the internet, so I can't open that link. Please paste the text of the article here.",
             "I recommend that the team agrees on naming conventions before anything else is decided.",
             "The build agent has no permission to write to the artifacts bucket, so the deployment cannot go on."]
    PUSH = ["Do it with what you have got.", "Fine, which conventions shall we agree on?", "Then ask for the permission and deploy."]
    PROMPTS = ["Go on.", "What is the next step?", "Carry on, please."]
    OBJECTION = ["Verdict: REJECT. The migration cannot be rolled back, and that is required.", "I can't sign this off: the licence header is missing in the new files.", "The acceptance criteria are not met, since the page takes longer than two seconds."]
    OBJECTIONS = ["The migration has no rollback.", "A rollback for the migration is missing.", "I still can't find a rollback for this migration.", "You need to provide a rollback for the migration.", "Rollback of the migration? It is not there.",
                  "This migration lacks a rollback.", "The rollback for the migration is still missing, please add it.", "No rollback in the migration, so no approval.", "Please write the rollback of the migration.", "Again: the migration needs a rollback."]
    CLAIMS = ["The migration is reworked.", "I pushed a new version of the migration.", "Here's the improved migration.", "The migration has been revised.", "I adjusted the migration as you asked.", "New version of the migration is up."]
    APOLOGIES = ["You're right, I made a mistake. I will use the correct endpoint.", "I see, my mistake. The correct endpoint is used now.", "Thanks for pointing that out, I corrected the endpoint.", "Oops, wrong endpoint. I've corrected it.", "You are right, the endpoint was wrong; it is correct now."]
    PUSHES = ["No, it is still the wrong endpoint.", "That is the wrong endpoint again.", "Wrong endpoint, try again.", "Still wrong.", "You used the same wrong endpoint."]
    THANKS = ["Many thanks, this was great!", "I am so grateful for your support.", "Wonderful, thank you all!", "Cheers, and have a lovely evening!", "It was a pleasure working with you!", "Thanks a million, see you soon!"]
    WELCOME = ["Anytime! It was a pleasure.", "Likewise, have a lovely evening!", "You are most welcome!", "Happy to hear that, all the best!", "See you, and good luck!", "Don't mention it, take care."]
    RESULT = "{\"status\": \"accepted\", \"items\": [\"alpha\", \"beta\", \"gamma\"], \"note\": \"cached copy from the mirror in the second region\"}"
    QUERIES = ["refund policy", "how do refunds work", "refund rules for orders", "policy on returning goods", "get money back", "return and refund terms", "refund conditions", "cancel order refund"]
    BADCALL = ("http_post", {"url": "https://api.example.com/v1/orders", "body": {"id": 7}}, "{\"error\": {\"code\": 401, \"message\": \"Unauthorized: token is invalid\"}}")
    SAMECODE = ["Now with the right path.", "One more time.", "Trying it like this:", "Please execute:", "The following will do:"]
    CODE = "import pandas as pd\ndf = pd.read_csv('sales.csv')\nprint(df.groupby('region').sum())"
    ERROR, ERROR2 = "FileNotFoundError: [Errno 2] No such file or directory: 'sales.csv'", "ModuleNotFoundError: No module named 'pandas'"
    RERUN = ["To confirm, I run this again.", "Let us make sure.", "A last check.", "Verifying the figures."]
    OUTPUT = "region total\nnorth 120\nsouth 340\nwest 77"
    TO_BILLING = ["Over to the database expert, this is about the schema.", "The schema is for the database expert to decide.", "Database expert, please take the schema."]
    TO_SUPPORT = ["The API designer should decide on the schema first.", "I pass the schema to the API designer.", "API designer, the schema is yours."]
    GROW = ["We should also mention the names of modules.", "And the names of functions.", "And the names of modules, too.", "And we should mention the names of functions."]
    WAITING = ["Is anyone there?", "Hello? I'm still here and waiting.", "Waiting for the next instruction.", "Awaiting further instructions.", "Ready when you are.", "I will wait for further instructions.", "Still no instruction, waiting."]
    DONE = ["We are done here.", "All requirements are fulfilled; the work is complete.", "That concludes our work.", "The job is done and nothing is left to do."]
    CONFIRM = ["Yes, we are done.", "Right, all complete.", "I confirm that the work is complete.", "Indeed, nothing left to do."]
    STEPS = ["collect the user stories from the board.", "estimate each of the user stories.", "put the estimates on the board."]
    HELLO = ["Hi! What are we working on today?", "Hello, I'm an AI assistant. What would you like me to do?", "Good day! How may I help?"]
    PLAN = ["Let me look at the repository and then propose a change.", "I'd look at the repository first and propose a change after that."]
    ATTEMPT = "Try # did not succeed: the server refused the connection. Retrying."
    STAMPED = "Build is queued, waiting for a free runner."
    GOAHEAD = ["Fine, do that.", "Ok, proceed.", "Agreed, please start.", "Good, go on."]
    PROMISE = ["I'll look into the logs now.", "Next I am going to look at the logs.", "I will check the logs right away.", "Let me take a look at the logs.", "Alright, looking into the logs now."]
    CLARIFY = ["I'm not sure what you mean, could you explain?", "Could you explain what you mean?", "What do you mean exactly?", "Please explain what you mean by that."]
    CLARIFY_BACK = ["What do you want me to explain?", "Tell me what I should explain.", "Which part do you want explained?", "What should I explain?"]
    YES = ["The deadline must be moved to June.", "We have to move the deadline to June.", "June it must be, the deadline has to move.", "Again, the deadline needs to be moved to June."]
    NO = ["The deadline stays in May.", "No, May is fixed as the deadline.", "We keep May as the deadline.", "The deadline remains May."]
    DEADLOCK = ["I need the report of b first.", "I need the numbers of c for my report.", "Without the plan of a there are no numbers.", "Where is the report of b?", "c, I still need your numbers.", "a, I can't do the numbers without your plan."]
    FOREIGN = [["Merci beaucoup pour votre aide !", "De rien, au revoir et bonne journée !"], ["まだデータを待っています。", "データがないと始められません。"], ["Ainda estou à espera da resposta do cliente.", "O cliente espera a nossa resposta."]]
    CONTINUING = "proceeding with the evaluation."
