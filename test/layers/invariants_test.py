"""What ARCHITECTURE says is absent, held: no call of the system outside rt and os but where it is listed, no text of an error compared, no folder
that its parent's README leaves out."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / 'src'
COMMENT = re.compile(r'//[^\n]*')
# Calls with the global scope's name, streams of the standard library, its clocks, the environment, and what is usually called without a scope.
SYSTEM = re.compile(r'(?<![\w>:])::(\w+)\(|\bstd::((?:i|o)?fstream|filesystem)\b|\b((?:system|steady)_clock)::now\b|'
                    r'(?<![\w:.>])(?:std::)?(getenv|gethostname|statfs|statvfs|getpid|sysconf|getifaddrs|setpriority|prctl)\(')
# Which file may call what, and why it is not `os` that does. Entries go; none is added without a reason.
LISTED = {
    # The log and what measures this very process stand below `os`.
    'component/log.cpp': {'getpid', 'write'}, 'component/memory.cpp': {'fstream', 'sysconf'}, 'component/metrics.cpp': {'fstream', 'sysconf', 'filesystem'},
    # Environment variables that clients and upstream's tools share: in a pod, and PATH.
    'client/kubeconfig.cpp': {'getenv'}, 'cli/probe.cpp': {'getenv'},
    # Signals to processes that this installation started, and the lock that says which one runs.
    'cli/containerd.cpp': {'kill'}, 'cli/removal.cpp': {'open', 'flock', 'kill', 'readlink'},
    'proxy/conntrack_settings.cpp': {'sysconf'},
    # Trees below a root that containers write to: opened by os/path, then walked and changed by descriptor.
    'kubelet/certificates/certificate_store.cpp': {'unlink', 'symlink'}, 'kubelet/container_config/configurator.cpp': {'fstat'},
    'kubelet/images/pull_records.cpp': {'unlink', 'opendir', 'readdir', 'closedir'},
    'kubelet/logs/container_logs.cpp': {'opendir', 'readdir', 'closedir', 'unlink', 'symlink', 'open', 'unlinkat', 'access'}, 'kubelet/logs/log_file.cpp': {'fstat'},
    'kubelet/runtime/termination_message.cpp': {'fstat', 'pread'}, 'kubelet/server/node_log.cpp': {'readlink', 'fstat', 'openat', 'fdopendir', 'readdir', 'closedir'},
    'kubelet/volumes/atomic_writer.cpp': {'readlink', 'gmtime_r', 'open', 'write', 'fchown', 'fchmod', 'lstat', 'unlink', 'symlink', 'rename'},
    'kubelet/volumes/host_path.cpp': {'stat', 'open'}, 'kubelet/volumes/ownership.cpp': {'stat', 'openat', 'fstat', 'fchownat', 'opendir', 'readdir', 'closedir'},
    'kubelet/volumes/sub_path.cpp': {'stat', 'open', 'fstat'}, 'kubelet/volumes/volume_files.cpp': {'open', 'stat', 'statvfs', 'realpath'},
}


def production():
    for file in sorted(SRC.rglob('*')):
        name = str(file.relative_to(SRC))
        if file.suffix in ('.h', '.cpp') and not name.endswith(('_test.cpp', '_bench.cpp')) and 'testing' not in name:
            yield name, COMMENT.sub('', file.read_text())


def system_calls(text):
    return {next(filter(None, groups)) .removeprefix('i').removeprefix('o') if 'fstream' in ''.join(groups) else next(filter(None, groups)) for groups in SYSTEM.findall(text)}


def test_the_system_is_called_where_it_is_listed():
    found = {name: calls for name, text in production() if not name.startswith(('rt/', 'os/')) and (calls := system_calls(text))}
    unlisted = {name: calls - LISTED.get(name, set()) for name, calls in found.items() if calls - LISTED.get(name, set())}
    stale = {name: calls - found.get(name, set()) for name, calls in LISTED.items() if calls - found.get(name, set())}
    assert unlisted == {} and stale == {}


def test_errors_are_told_apart_by_reason_never_by_text():
    compared = re.compile(r'(?:error\(\)|failure|status|err)\.message(?:\.(?:find|contains|starts_with|ends_with)\(| ==| !=)')
    assert [f'{name}: {m.group(0)}' for name, text in production() for m in compared.finditer(text)] == []


def test_every_folder_is_named_by_its_parents_readme():
    missing = []
    for folder in sorted(p for p in SRC.rglob('*') if p.is_dir()):
        parent = folder.parent
        if parent == SRC or folder.name == 'testing':
            continue
        readme = parent / 'README.md'
        # Where every folder is of one sort, the README says so once.
        if not readme.exists() or not re.search(rf'\b{folder.name}\b|(?i:a folder a (?:plugin|group|component)|a plugin is a folder|a folder is a controller)', readme.read_text()):
            missing.append(str(folder.relative_to(SRC)))
    assert missing == []


def test_the_checks_see_what_they_must():
    assert system_calls('int fd = ::open(path); std::ifstream in; std::getenv("A"); steady_clock::now()') == {'open', 'fstream', 'getenv', 'steady_clock'}
    assert system_calls('store.open(x); Database::open(x); file->write(y); std::move(z)') == set()
