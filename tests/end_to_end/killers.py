"""Deaths with known killers. Prints a line per death: what is expected of it."""
import ctypes, json, os, pty, resource, signal, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
NOBODY = 65534


def own_pid():
    # As /proc has it, which is mounted for the machine.
    return int(os.readlink("/proc/self"))


def child(body):
    pid = os.fork()
    if pid == 0:
        libc.prctl(1, 9)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        body()
        os._exit(0)
    return pid


def sleeper():
    """A process that sleeps, and is ready."""
    ready, begins = os.pipe()

    def body():
        os.write(begins, b"r")
        time.sleep(60)

    pid = child(body)
    os.read(ready, 1)
    os.close(ready)
    os.close(begins)
    return pid


def expect(pid, kind, sender=None, **more):
    print(json.dumps({"pid": pid, "kind": kind, "sender": sender, **more}), flush=True)


def by_another(send, **more):
    victim = sleeper()
    sender = child(lambda: send(victim))
    expect(victim, "process", sender, **more)
    os.waitpid(victim, 0)
    os.waitpid(sender, 0)


def kill():
    by_another(lambda victim: os.kill(victim, signal.SIGKILL))


def hang_up():
    by_another(lambda victim: os.kill(victim, signal.SIGHUP))


def tgkill():
    by_another(lambda victim: libc.syscall(234, victim, victim, 12))


def pidfd():
    by_another(lambda victim: signal.pidfd_send_signal(os.pidfd_open(victim), signal.SIGTERM))


def queued():
    info = struct.pack("iii", 10, 0, -1).ljust(128, b"\0")
    by_another(lambda victim: libc.syscall(129, victim, 10, ctypes.c_char_p(info)))


def setuid():
    def send(victim):
        os.setresuid(NOBODY, 0, 0)
        os.kill(victim, signal.SIGKILL)

    by_another(send, uid=NOBODY)


def killpg():
    victim = sleeper()
    os.setpgid(victim, victim)
    sender = child(lambda: os.killpg(victim, signal.SIGTERM))
    expect(victim, "process", sender)
    os.waitpid(victim, 0)
    os.waitpid(sender, 0)


def ended_sender():
    """The victim ends long after the sender."""
    ready, begins = os.pipe()

    def body():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        os.write(begins, b"r")
        time.sleep(0.05)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        time.sleep(60)

    victim = child(body)
    os.read(ready, 1)
    sender = child(lambda: os.kill(victim, signal.SIGTERM))
    os.waitpid(sender, 0)
    expect(victim, "process", sender)
    os.waitpid(victim, 0)
    os.close(ready)
    os.close(begins)


def stubborn(*_):
    pass


def term_then_kill():
    ready, begins = os.pipe()

    def body():
        signal.signal(signal.SIGTERM, stubborn)
        os.write(begins, b"r")
        while True:
            time.sleep(60)

    victim = child(body)
    os.read(ready, 1)
    first = child(lambda: os.kill(victim, signal.SIGTERM))
    os.waitpid(first, 0)
    time.sleep(0.2)
    second = child(lambda: os.kill(victim, signal.SIGKILL))
    expect(victim, "process", second, before=first)
    os.waitpid(victim, 0)
    os.waitpid(second, 0)
    os.close(ready)
    os.close(begins)


def everybody_in_a_namespace():
    reads, writes = os.pipe()

    def body():
        libc.unshare(0x20000000)

        def init():
            victims = []
            for _ in range(3):
                def victim():
                    os.write(writes, struct.pack("i", own_pid()))
                    time.sleep(60)
                child(victim)
            time.sleep(0.2)

            def sender():
                os.write(writes, struct.pack("i", -own_pid()))
                os.kill(-1, signal.SIGKILL)

            child(sender)
            time.sleep(0.2)

        os.waitpid(child(init), 0)

    os.waitpid(child(body), 0)
    numbers = [struct.unpack("i", os.read(reads, 4))[0] for _ in range(4)]
    sender = -min(numbers)
    for victim in numbers:
        if victim > 0:
            expect(victim, "process", sender)
    os.close(reads)
    os.close(writes)


def parent():
    reads, writes = os.pipe()

    def middle():
        def body():
            libc.prctl(1, 15)
            os.write(writes, struct.pack("i", own_pid()))
            time.sleep(60)

        child(body)
        time.sleep(0.03)
        os._exit(3)

    parent = child(middle)
    victim = struct.unpack("i", os.read(reads, 4))[0]
    expect(victim, "parent", parent)
    os.waitpid(parent, 0)
    os.close(reads)
    os.close(writes)


def by_itself(kind, body, has_sender=False):
    victim = child(body)
    expect(victim, kind, victim if has_sender else None)
    os.waitpid(victim, 0)


def abort():
    by_itself("itself", os.abort, True)


def suicide():
    by_itself("itself", lambda: os.kill(os.getpid(), signal.SIGKILL), True)


def fault():
    by_itself("fault", lambda: ctypes.string_at(0))


def burn():
    while True:
        pass


def cpu_limit(hard):
    """SIGXCPU at the first second, SIGKILL at the second `hard`."""
    def body():
        resource.setrlimit(resource.RLIMIT_CPU, (1, hard))
        burn()

    by_itself("limit", body)


def file_size():
    def body():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        memory = os.memfd_create("full")
        os.write(memory, b"x" * 10)
        os.write(memory, b"x")

    by_itself("limit", body)


def alarm():
    def body():
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        time.sleep(60)

    by_itself("timer", body)


def profiling_timer():
    def body():
        signal.setitimer(signal.ITIMER_PROF, 0.02)
        burn()

    by_itself("timer", body)


def pipe():
    def body():
        reads, writes = os.pipe()
        os.close(reads)
        os.write(writes, b"x")

    by_itself("kernel", body)


def seccomp():
    def body():
        # Refuse getppid(2), allow the rest.
        code = [(0x20, 0, 0, 0), (0x15, 0, 1, 110), (6, 0, 0, 0x80000000), (6, 0, 0, 0x7FFF0000)]
        program = b"".join(struct.pack("HBBI", *one) for one in code)
        buffer = ctypes.create_string_buffer(program)
        header = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer))
        libc.prctl(38, 1, 0, 0, 0)
        if libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) != 0:
            os._exit(7)
        os.getppid()

    by_itself("seccomp", body)


def terminal():
    ready, begins = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.write(begins, b"r")
        time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    time.sleep(0.02)
    expect(pid, "terminal")
    os.write(master, b"\x03")
    os.waitpid(pid, 0)
    os.close(master)
    os.close(ready)
    os.close(begins)


def out_of_memory(mount, limit):
    """The one who asks for the last bytes is not the one who holds most."""
    folder = mount + "/procviz-test-oom"
    os.mkdir(folder)
    with open(folder + "/" + limit, "w") as file:
        file.write(str(64 << 20))
    ready, begins = os.pipe()

    def joins():
        with open(folder + "/cgroup.procs", "w") as procs:
            procs.write(str(os.getpid()))

    def holds():
        joins()
        held = bytearray(b"x" * (1 << 20)) * 40
        os.write(begins, b"r")
        time.sleep(60)
        del held

    def asks():
        joins()
        held = []
        while True:
            held.append(bytearray(b"x" * (1 << 18)))
            try:
                os.kill(victim, 0)
            except ProcessLookupError:
                break
            time.sleep(0.002)

    victim = child(holds)
    assert os.read(ready, 1)
    asker = child(asks)
    expect(victim, "oom", asker)
    os.waitpid(victim, 0)
    os.kill(asker, signal.SIGKILL)
    os.waitpid(asker, 0)
    os.close(ready)
    os.close(begins)
    time.sleep(0.05)
    os.rmdir(folder)


def whole_cgroup(mount):
    folder = mount + "/procviz-test-killers"
    os.mkdir(folder)
    victims = [sleeper() for _ in range(3)]
    for victim in victims:
        with open(folder + "/cgroup.procs", "w") as procs:
            procs.write(str(victim))

    def send():
        with open(folder + "/cgroup.kill", "w") as switch:
            switch.write("1")

    sender = child(send)
    for victim in victims:
        expect(victim, "cgroup", sender)
        os.waitpid(victim, 0)
    os.waitpid(sender, 0)
    time.sleep(0.05)
    os.rmdir(folder)


# A case that hangs ends the test.
signal.alarm(200)
QUICK = [
    kill, hang_up, tgkill, pidfd, queued, setuid, killpg, ended_sender, parent, abort, suicide,
    fault, file_size, alarm, profiling_timer, pipe, seccomp, terminal,
]
SLOW = [term_then_kill, everybody_in_a_namespace]
for _ in range(27):
    for case in QUICK:
        case()
for _ in range(8):
    for case in SLOW:
        case()
for hard in (1, 3):
    cpu_limit(hard)
for line in open("/proc/mounts"):
    _, mount, kind, options = line.split()[:4]
    if kind == "cgroup2" and os.path.exists(mount + "/cgroup.procs"):
        for _ in range(5):
            whole_cgroup(mount)
    if kind == "cgroup" and "memory" in options.split(","):
        out_of_memory(mount, "memory.limit_in_bytes")
    elif kind == "cgroup2" and "memory" in open(mount + "/cgroup.subtree_control").read():
        out_of_memory(mount, "memory.max")
