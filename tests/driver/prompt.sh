# mmlc repl at a terminal: prompts, continuation lines, completion, history, Ctrl-C. Needs python3's pty.
. "$(dirname "$0")/../end_to_end/lib.sh"
if ! command -v python3 >/dev/null || ! python3 -c 'import pty' 2>/dev/null; then
    skip "the prompt at a terminal: no python3 with pty here"
    finish
fi
idx_set digits 6000 20 16 4
cat >long.mml <<'END'
use encoders, methods
data digits = idx("digits")
modality left : image[1, 16, 8] {
  input   = digits.image -> scale(1 / 255) -> cols(0, 8)
  encoder = conv(16, 3) -> relu -> conv(16, 3) -> relu -> avgpool -> flatten
}
modality right : image[1, 16, 8] {
  input   = digits.image -> scale(1 / 255) -> cols(8, 8)
  encoder = conv(16, 3) -> relu -> conv(16, 3) -> relu -> avgpool -> flatten
}
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train { stage joint { epochs = 1000 } }
END
cat >drive.py <<'END'
import os, pty, select, signal, sys, time

mmlc, program = sys.argv[1:]

os.environ.pop("XDG_STATE_HOME", None)

def start(**environment):
    process, terminal = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm", LC_ALL="C.UTF-8", HOME=os.getcwd(), **environment)
        os.execv(mmlc, [mmlc, "repl", program])
    return process, terminal

process, terminal = start()
seen = b""

def wait_for(mark, what, seconds=60):
    """Everything up to the mark; fails when it doesn't come."""
    global seen
    end = time.monotonic() + seconds
    while mark not in seen:
        ready = select.select([terminal], [], [], max(0, end - time.monotonic()))[0]
        if not ready:
            print(f"FAILED: {what}: {seen[-300:]!r}")
            os.kill(process, signal.SIGKILL)
            sys.exit(1)
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            print(f"FAILED: {what}: it has ended after {seen[-300:]!r}")
            sys.exit(1)
    before, _, seen = seen.partition(mark)
    print(f"ok: {what}")
    return before

def send(text):
    os.write(terminal, text.encode())

wait_for(b"> ", "the first prompt")
send("1 + 2\n");              wait_for(b"3 : int", "a value");            wait_for(b"> ", "the next prompt")
send("max(4,\n");             wait_for(b"| ", "an open bracket goes on")
send("5)\n");                 wait_for(b"5 : int", "the whole of it");    wait_for(b"> ", "and again")
send("rep\t");                wait_for(b"lay", "a name is completed")
send("\x03");                 wait_for(b"> ", "Ctrl-C gives up a line")
send("\x03");                 wait_for(b"> ", "Ctrl-C at an empty prompt")
send("max(1,\n");             wait_for(b"| ", "a line goes on again")
send("\x03");                 wait_for(b"> ", "Ctrl-C gives up what was begun")
send("pid(xor).syn\t + 1\n"); wait_for(b"2.0 : real", "a field is completed"); wait_for(b"> ", "a prompt behind it")
send("\x1b[A\n");             wait_for(b"2.0 : real", "the history has the line before"); wait_for(b"> ", "a prompt behind that")
send("\x03\x03");             wait_for(b"> ", "Ctrl-C twice at an empty prompt")
send("\x1bx\"(\x03");         wait_for(b"> ", "Alt-x isn't libedit's own command line")
send(":save kept.mml\n");     wait_for(b"saved kept.mml", "definitions are saved"); wait_for(b"> ", "its prompt")
send("\x03");                 wait_for(b"> ", "Ctrl-C after a file was written")
send(":asm always()\n");      wait_for(b"mml_rule", "code is shown");     wait_for(b"> ", "its prompt")
send("\x03");                 wait_for(b"> ", "Ctrl-C after a temporary file")
send("train()\n");            wait_for(b"%", "training has begun")
time.sleep(0.3)
send("\x03");                 wait_for(b"stopped: ", "Ctrl-C stops training"); wait_for(b"> ", "and keeps the session")
send("train()\n")
time.sleep(1)
send("\x03\x03");             wait_for(b"stopped: ", "twice too");        wait_for(b"> ", "and keeps the session all the same")
send("save(a)\n");            wait_for(b"saved a", "the state that was reached is whole"); wait_for(b"> ", "its prompt")
send("step(100000)\n")
time.sleep(0.5)
send("\x03");                 wait_for(b"stopped: ", "Ctrl-C stops steps");   wait_for(b"> ", "and keeps the session too")
send("restore(a)\n");         wait_for(b"restored a", "there is a way back"); wait_for(b"> ", "its prompt")
send("t = pid(" + "[" + ", ".join("[" + ", ".join("[%d, %d, 1]" % ((i * j) % 7, (i + j) % 5) for i in range(3)) + "]" for j in range(3)) + "])\n")
wait_for(b"total", "a table typed in");  wait_for(b"> ", "its prompt")
with open("large.json", "w") as file:
    state, rows = 1, []
    for i in range(90 * 90 * 40):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        rows.append(state >> 16 & 255)
    table = [[rows[(i * 90 + j) * 40:(i * 90 + j + 1) * 40] for j in range(90)] for i in range(90)]
    file.write('{"counts": %s}' % table)
send('pid("large.json")\n')
time.sleep(1)
send("\x03");                 wait_for(b"stopped in a decomposition", "Ctrl-C stops a solve"); wait_for(b"> ", "and keeps the session then too")
send('pid("large.json")\n')
time.sleep(1)
send("\x03\x03");             wait_for(b"stopped in a decomposition", "twice too"); wait_for(b"> ", "and keeps the session")
send("6 * 7\n");              wait_for(b"42 : int", "everything is still there"); wait_for(b"> ", "the last prompt")

def ends(what, seconds=60):
    """It ends by itself, with 0."""
    end, ended = time.monotonic() + seconds, 0
    while not ended and time.monotonic() < end:
        try:
            if select.select([terminal], [], [], 0.1)[0]:
                os.read(terminal, 65536)
        except OSError:
            pass                            # the terminal is closed
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    os.close(terminal)
    print(f"ok: {what}" if ended and status == 0 else f"FAILED: {what}: {status if ended else 'no end'}")
    return ended and status == 0

send("\x04")
fine = ends("Ctrl-D ends it with 0")
for typed, what in ("\x04", "Ctrl-D before the prompt shows"), ("pid(xor)\n\x04", "Ctrl-D while an input runs"):
    process, terminal = start()
    send(typed)
    fine &= ends(what)

# The history between sessions: the file is the owner's, of several at once all is kept, bytes of any kind harm nobody.
def goes_back(keys, mark, what, **environment):
    global process, terminal, seen
    process, terminal = start(**environment)
    seen = b""
    wait_for(b"> ", "a prompt to go back from")
    send(keys)
    wait_for(mark, what)
    wait_for(b"> ", "its prompt")
    send("\x04")
    return ends("and ends with 0")

up = "\x1b[A"
kept = ".local/state/mml/history"
fine &= goes_back(up + up + "\n", b"42 : int", "the history has lines of sessions before")
print("ok: its file is the owner's" if os.stat(kept).st_mode & 0o777 == 0o600 else "FAILED: the mode of the history")
others, theirs = start(), []
process, terminal = others
seen = b""
wait_for(b"> ", "a session")
send("111 + 0\n"); wait_for(b"111 : int", "with an input"); wait_for(b"> ", "and its prompt")
fine &= goes_back("222 + 0\n", b"222 : int", "another beside it")
process, terminal = others
send("\x04")
fine &= ends("which ends later")
fine &= goes_back(up + up + "\n", b"222 : int", "what both typed is kept")
fine &= goes_back("max(70,\n7)\n", b"70 : int", "several lines")
fine &= goes_back(up + "\n", b"70 : int", "come back as one")
with open(kept, "wb") as file:
    file.write(b"_HiStOrY_V2_\n" + bytes(range(256)) * 40 + b"\\\n\\M-\n\\^\n")
fine &= goes_back("5 + 5\n", b"10 : int", "a file of any bytes is no obstacle")
with open(kept, "wb") as file:
    file.write(b"no history")
fine &= goes_back("5 + 6\n", b"11 : int", "nor one of another kind")
fine &= goes_back(up + "\n", b"11 : int", "in whose place there is one")
fine &= goes_back("5 + 8\n", b"13 : int", "where none can be written nobody is told", XDG_STATE_HOME="/dev/null")
fine &= goes_back("5 + 9\n", b"14 : int", "another folder", XDG_STATE_HOME=os.getcwd() + "/state")
print("ok: has its own" if os.path.exists("state/mml/history") else "FAILED: no history in XDG_STATE_HOME")
sys.exit(not fine)
END
printf 'leak:wcsdup\n' >leaks        # libedit doesn't free the names of added functions
export LSAN_OPTIONS=suppressions=$PWD/leaks:print_suppressions=0
timeout 300 python3 drive.py "$MMLC" long.mml >drive.out 2>drive.err; code=$?
cat drive.out
[ "$code" -eq 0 ] || grep -q '^FAILED' drive.out || failed "the script at the terminal ends with $code"
printf '1 + 1\n' | env -u XDG_STATE_HOME HOME="$PWD/elsewhere" "$MMLC" repl >/dev/null; [ ! -e elsewhere ] && ok "without a terminal nothing is kept" || failed "a history without a terminal"
[ -s drive.err ] && grep -v '^$' drive.err | tail -n 3
finish
