"""What was skipped is counted and said; under CI=1 a skip that support/skips.py does not allow is a failure: a run that tried a third is
not green."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import skips  # noqa: E402

SKIPPED = pytest.StashKey()


def judge(report, skipped):
    """Counts a skip by its reason; in CI one that is not allowed becomes a failure that says so."""
    if not report.skipped or hasattr(report, 'wasxfail'):
        return
    reason = report.longrepr[2].removeprefix('Skipped: ') if isinstance(report.longrepr, tuple) else str(report.longrepr)
    skipped.append(reason)
    if skips.in_ci() and not skips.allowed(reason):
        report.outcome = 'failed'
        report.longrepr = f'{report.nodeid} was skipped under CI=1: {reason}: install what it needs, or allow the reason in test/support/skips.py'


def pytest_configure(config):
    config.stash[SKIPPED] = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    judge(outcome.get_result(), item.config.stash[SKIPPED])


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    outcome = yield
    judge(outcome.get_result(), collector.config.stash[SKIPPED])


def pytest_terminal_summary(terminalreporter):
    for line in skips.summary(terminalreporter.config.stash[SKIPPED]):
        terminalreporter.write_line(line)
