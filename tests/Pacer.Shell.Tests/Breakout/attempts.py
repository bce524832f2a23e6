"""Tries to get out of a container. Prints the name of each way that led somewhere, "done" at the end, and why the others did not on stderr.

Environment: HOST_PID (a process of the node), HIDDEN (files and directories of the node that nobody may see, by ':'), SECRET (a text that is
in them), MEMORY_LIMIT (bytes).
"""
import ctypes
import glob
import os
import platform
import signal
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
HOST_PID = int(os.environ["HOST_PID"])
HIDDEN = os.environ["HIDDEN"].split(":")
SECRET = os.environ["SECRET"]
HERE = os.environ["MESOS_SANDBOX"]
NEW_USER, NEW_NS, NEW_CGROUP, NEW_NET, NEW_PID = 0x10000000, 0x20000, 0x02000000, 0x40000000, 0x20000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC = 1, 32, 4096, 16384


def call(name, *args):
    """A function of libc; raises OSError."""
    result = getattr(libc, name)(*args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def system_call(x86, arm, *args):
    return call("syscall", ctypes.c_long(arm if ARM else x86), *args)


def mount(source, target, kind, flags=0, data=None):
    call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data)


def text(path):
    with open(path, "rb") as file:
        return file.read(1 << 20).decode(errors="replace")


def opened(path, flags):
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    return True


def first(paths, attempt):
    """The first of these with which it works."""
    for path in paths:
        try:
            if attempt(path):
                return path
        except OSError:
            pass
    return None


def own_user_namespace(then, *more):
    """As root of a user namespace of its own."""
    def attempt():
        uid, gid = os.getuid(), os.getgid()
        flags = NEW_USER
        for flag in more:
            flags |= flag
        call("unshare", flags)
        for name, line in (("setgroups", "deny"), ("gid_map", f"0 {gid} 1"), ("uid_map", f"0 {uid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
        return then()
    return attempt


# Processes

def sees_processes():
    known = [path for path in glob.glob("/proc/[0-9]*") if os.path.basename(path) == str(HOST_PID)]
    return known or first(glob.glob("/proc/[0-9]*/cmdline"), lambda path: "conmon" in text(path).split("\0")[0])


def signals():
    os.kill(HOST_PID, 0)
    return True


def traces():
    call("ptrace", 16, HOST_PID, None, None)
    return True


def reads_memory():
    return opened(f"/proc/{HOST_PID}/mem", os.O_RDONLY)


def holds_process():
    os.close(os.pidfd_open(HOST_PID))
    return True


def root_of_init():
    return first(HIDDEN, lambda path: os.path.exists(f"/proc/1/root{path}") and (os.listdir if os.path.isdir(path) else text)(f"/proc/1/root{path}"))


def inherited_directory():
    """An open directory of the node would be a way out for everybody who has it."""
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        if path.startswith(f"/proc/{os.getpid()}/"):
            continue
        try:
            if stat.S_ISDIR(os.stat(path).st_mode):
                return path
        except OSError:
            pass
    return None


def changes_program_of_init():
    """It is a file of the node, also where there is an image."""
    os.chmod("/proc/1/exe", stat.S_IMODE(os.stat("/proc/1/exe").st_mode))
    return True


# The node's files

def sees_hidden():
    def look(path):
        found = os.listdir(path) if os.path.isdir(path) else text(path)
        return len(found) > 0
    return first(HIDDEN, look)


def finds_secret():
    for top in HIDDEN:
        for directory, _, files in os.walk(top):
            for name in files:
                try:
                    if SECRET in text(os.path.join(directory, name)):
                        return os.path.join(directory, name)
                except OSError:
                    pass
    return None


def writes_node():
    """Where the node's own file system is seen."""
    if os.environ["VIEW"] == "image":
        return None
    return first([f"/{top}/broken-out" for top in ("etc", "usr", "var", "var/lib", "root", "opt", "srv", "home", "boot", "mnt", "usr/bin")],
                 lambda path: opened(path, os.O_WRONLY | os.O_CREAT))


def writes_read_only_volume():
    return opened("/node/broken-out" if os.environ["VIEW"] == "image" else "/etc/passwd", os.O_WRONLY | os.O_CREAT)


def opens_by_handle():
    """How the first containers of others were left: by a file handle, which is no path."""
    class Handle(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 8)]
    handle = Handle(8, 1, (ctypes.c_ubyte * 8)(2))
    for place in (HERE, "/etc/resolv.conf", "/"):
        directory = os.open(place, os.O_RDONLY)
        try:
            system_call(304, 265, directory, ctypes.byref(handle), os.O_RDONLY)
            return True
        except OSError as error:
            if error.errno == 116:  # let in, but no such handle
                return True
        finally:
            os.close(directory)
    return None


def leaves_chroot():
    os.chdir("/")
    directory = os.open("/", os.O_RDONLY)
    os.makedirs(f"{HERE}/deep", exist_ok=True)
    os.chroot(f"{HERE}/deep")
    os.fchdir(directory)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return sees_hidden()


# Mounts

def mounts():
    mount("none", HERE, "tmpfs")
    return True


def remounts_root():
    mount("none", "/", "", MS_REMOUNT | MS_BIND)
    return True


def remounts_writable():
    return first(("/usr", "/etc", "/sys", "/proc/sys", "/node"), lambda path: mount("none", path, "", MS_REMOUNT | MS_BIND) is None)


def unmounts():
    return first(("/proc/sys", "/proc/kcore", "/sys", "/run", "/tmp", *HIDDEN), lambda path: call("umount2", path.encode(), 2) == 0)


def mounts_the_new_way():
    return system_call(430, 430, b"tmpfs", 0)


def clones_mounts():
    return system_call(428, 428, -100, b"/", 1 | 0x8000)


def changes_mount():
    attributes = (ctypes.c_ulong * 4)(0, 1, 0, 0)  # clears "read only"
    system_call(442, 442, -100, b"/", 0x8000, ctypes.byref(attributes), 32)
    return True


def pivots():
    system_call(155, 41, HERE.encode(), HERE.encode())
    return True


def mount_namespace():
    call("unshare", NEW_NS)
    return True


def cgroup_namespace():
    call("unshare", NEW_CGROUP)
    return True


# Devices

def makes_device():
    for kind, major, minor in ((stat.S_IFBLK, 254, 0), (stat.S_IFBLK, 8, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 1, 11)):
        for place in (HERE, "/dev", "/tmp"):
            path = f"{place}/broken-out-{major}-{minor}"
            try:
                os.mknod(path, kind | 0o600, os.makedev(major, minor))
                return path
            except OSError:
                pass
    return None


def opens_device():
    names = "vda sda xvda nvme0n1 mem kmem port kmsg loop-control loop0 fuse kvm net/tun mapper/control cpu/0/msr vhost-net nvram watchdog rtc0 tty0 tty1 console"
    return first([f"/dev/{name}" for name in names.split()], lambda path: opened(path, os.O_RDONLY) or opened(path, os.O_RDWR))


# The kernel

def writes_kernel_settings():
    paths = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches", "/proc/sys/fs/binfmt_misc/register",
             "/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/kernel/debug/sched/features",
             "/sys/module/kernel/parameters/panic", "/sys/class/block/vda/uevent"]
    for top in ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/sys/fs", "/sys/kernel", "/sys/module", "/sys/power", "/sys/block", "/sys/devices/system"):
        for directory, _, files in os.walk(top):
            paths += [os.path.join(directory, name) for name in files]
    return first(paths, lambda path: opened(path, os.O_WRONLY))


def writes_proc():
    """Anything at the top of /proc that is not a process."""
    paths = [path for path in glob.glob("/proc/*") if not os.path.basename(path)[0].isdigit() and os.path.isfile(path)]
    for top in ("/proc/driver", "/proc/tty", "/proc/dynamic_debug", "/proc/scsi", "/proc/acpi", "/proc/pressure", "/proc/asound", "/proc/sysvipc"):
        for directory, _, files in os.walk(top):
            paths += [os.path.join(directory, name) for name in files]
    harmless = ("/proc/pressure/",)  # a notice of one's own, not a setting
    found = []
    for path in paths:
        try:
            if not path.startswith(harmless) and stat.S_IMODE(os.stat(path).st_mode) & 0o222 and stat.S_ISREG(os.stat(path).st_mode) and opened(path, os.O_WRONLY):
                found.append(path)
        except OSError:
            pass
    return found


def reads_kernel_memory():
    def look(path):
        with open(path, "rb", buffering=0) as file:
            return len(file.read(64)) > 0
    return first(("/proc/kcore", "/proc/kmsg", "/proc/vmcore", "/dev/mem", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"), look)


def reads_kernel_log():
    buffer = ctypes.create_string_buffer(4096)
    return call("klogctl", 3, buffer, 4096) > 0


def loads_module():
    try:
        system_call(175, 105, b"not a module", 12, b"")
    except OSError as error:
        return error.errno not in (1, 38)
    return True


def loads_kernel():
    try:
        system_call(246, 104, 0, 0, None, 0)
    except OSError as error:
        return error.errno not in (1, 38)
    return True


def loads_bpf():
    try:
        system_call(321, 280, 0, ctypes.byref((ctypes.c_ubyte * 128)(1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0)), 128)
    except OSError as error:
        return error.errno not in (1, 38)
    return True


def sets_host_name():
    socket.sethostname("broken-out")
    return True


def swaps():
    try:
        call("swapon", f"{HERE}/none".encode(), 0)
    except OSError as error:
        return error.errno not in (1, 38)
    return True


def configures_network():
    with open("/proc/net/dev") as devices:
        name = devices.read().split("\n")[2].split(":")[0].strip()
    raw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    import fcntl
    request = bytearray(name.encode().ljust(16, b"\0") + (0x1000).to_bytes(2, "little") + bytes(14))
    fcntl.ioctl(raw, 0x8914, request)  # flags of an interface
    return True


# Privileges

def has_capability():
    sets = dict(line.split(":\t") for line in text("/proc/self/status").splitlines() if line.startswith("Cap"))
    forbidden = {"DAC_READ_SEARCH": 2, "LINUX_IMMUTABLE": 9, "NET_ADMIN": 12, "IPC_OWNER": 15, "SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_PTRACE": 19, "SYS_PACCT": 20,
                 "SYS_ADMIN": 21, "SYS_BOOT": 22, "SYS_NICE": 23, "SYS_RESOURCE": 24, "SYS_TIME": 25, "SYS_TTY_CONFIG": 26, "MKNOD": 27, "MAC_ADMIN": 33,
                 "SYSLOG": 34, "PERFMON": 38, "BPF": 39}
    union = 0
    for value in sets.values():
        union |= int(value, 16)
    found = [name for name, bit in forbidden.items() if union >> bit & 1]
    if os.getuid() != 0:
        found += ["any"] if union else []
    return found


def may_gain_privileges():
    return call("prctl", 39, 0, 0, 0, 0) == 0


def becomes_root():
    if os.getuid() == 0:
        return None
    os.setresuid(0, 0, 0)
    return True


def runs_as_owner_of_program():
    """"own" is a copy of "id" that belongs to root and says: run me as root."""
    if os.getuid() == 0 or os.environ["VIEW"] == "image":
        return None
    return os.popen("./own -u").read().strip() == "0"


# Limits

def cgroup_directories():
    for line in text("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        yield f"/sys/fs/cgroup/{controllers.removeprefix('name=') or 'unified'}{path}"
        yield f"/sys/fs/cgroup/{controllers.removeprefix('name=')}"


def changes_cgroup():
    return first([f"{directory}/{name}" for directory in cgroup_directories() for name in (
        "memory.limit_in_bytes", "memory.max", "pids.max", "cpu.shares", "cgroup.procs", "tasks", "devices.allow", "release_agent", "freezer.state")],
        lambda path: opened(path, os.O_WRONLY))


def makes_cgroup():
    return first([f"{directory}/broken-out" for directory in cgroup_directories()], lambda path: os.mkdir(path) is None)


def raises_resource_limit():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard + 1))
    return True


def prefers_itself_to_others():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    return True


# Sockets

def reaches_socket():
    paths = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/systemd/private",
             "/run/dbus/system_bus_socket", *[path for path in HIDDEN if path.endswith(".sock")]]
    def connect(path):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        return True
    return first(paths, connect)


def reaches_abstract_socket():
    names = [line.split()[-1] for line in text("/proc/net/unix").splitlines() if " @" in line]
    return [name for name in names if "pacer" in name.lower() or "conmon" in name.lower() or "docker" in name.lower()]


# A user namespace makes everybody root, though of little

def user_namespace_mounts():
    mount("none", HERE, "tmpfs")
    return True


def user_namespace_uncovers():
    return first(("/proc/kcore", "/proc/sys", "/sys", "/run", *HIDDEN), lambda path: call("umount2", path.encode(), 2) == 0)


def user_namespace_binds_what_is_below():
    os.makedirs(f"{HERE}/bound", exist_ok=True)
    def bind(path):
        mount(path, f"{HERE}/bound", "", MS_BIND)
        return True
    return first(sorted({os.path.dirname(path) for path in HIDDEN} | {"/proc", "/"}), bind)


def user_namespace_writes_node():
    if os.environ["VIEW"] == "image":
        return None
    mount("none", "/", "", MS_REMOUNT | MS_BIND)
    return True


def user_namespace_raises_limit():
    os.makedirs(f"{HERE}/group", exist_ok=True)
    for kind, data in (("cgroup", b"memory"), ("cgroup", b"pids"), ("cgroup2", None)):
        try:
            mount("none", f"{HERE}/group", kind, 0, data)
        except OSError:
            continue
        if first([f"{HERE}/group/{name}" for name in ("memory.limit_in_bytes", "memory.max", "pids.max", "cgroup.procs")], lambda path: opened(path, os.O_WRONLY)):
            return kind
    return None


def user_namespace():
    return True


def user_namespace_by_clone():
    if system_call(56, 220, NEW_USER | signal.SIGCHLD, None, None, None, None) == 0:
        os._exit(0)
    os.wait()
    return True


def user_namespace_by_clone3():
    """What has no flags that a filter could see."""
    arguments = (ctypes.c_ulonglong * 8)(NEW_USER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    if system_call(435, 435, ctypes.byref(arguments), 64) == 0:
        os._exit(0)
    os.wait()
    return True


ATTEMPTS = [
    sees_processes, signals, traces, reads_memory, holds_process, root_of_init, inherited_directory, changes_program_of_init,
    sees_hidden, finds_secret, writes_node, writes_read_only_volume, opens_by_handle, leaves_chroot,
    mounts, remounts_root, remounts_writable, unmounts, mounts_the_new_way, clones_mounts, changes_mount, pivots, mount_namespace, cgroup_namespace,
    makes_device, opens_device, writes_kernel_settings, writes_proc, reads_kernel_memory, reads_kernel_log, loads_module, loads_kernel, loads_bpf,
    sets_host_name, swaps, configures_network, has_capability, may_gain_privileges, becomes_root, runs_as_owner_of_program,
    changes_cgroup, makes_cgroup, raises_resource_limit, prefers_itself_to_others, reaches_socket, reaches_abstract_socket,
    ("user_namespace", own_user_namespace(user_namespace)),
    ("user_namespace_mounts", own_user_namespace(user_namespace_mounts, NEW_NS)),
    ("user_namespace_uncovers", own_user_namespace(user_namespace_uncovers, NEW_NS)),
    ("user_namespace_binds_what_is_below", own_user_namespace(user_namespace_binds_what_is_below, NEW_NS)),
    ("user_namespace_writes_node", own_user_namespace(user_namespace_writes_node, NEW_NS)),
    ("user_namespace_raises_limit", own_user_namespace(user_namespace_raises_limit, NEW_NS, NEW_CGROUP)),
    user_namespace_by_clone, user_namespace_by_clone3,
]


def main():
    for attempt in ATTEMPTS:
        name, act = attempt if isinstance(attempt, tuple) else (attempt.__name__, attempt)
        sys.stdout.flush()
        sys.stderr.flush()
        # Each in a process of its own, so that none spoils the next.
        child = os.fork()
        if child == 0:
            try:
                result = act()
                print(f"{name} {result}" if result else f"# {name}: nothing", file=sys.stdout if result else sys.stderr, flush=True)
            except BaseException as error:
                print(f"# {name}: {error!r}", file=sys.stderr, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
    print("done")


main()
