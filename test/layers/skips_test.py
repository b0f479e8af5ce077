"""A skip is a failure under CI=1 unless test/support/skips.py allows its reason, and is counted in any case."""
import os
import pathlib
import shutil
import subprocess
import sys

TEST = pathlib.Path(__file__).resolve().parents[1]
TESTS = '''
import pytest

@pytest.mark.skipif(True, reason='needs a thing that is not here')
def test_marked():
    assert False

def test_allowed():
    pytest.skip('a slow build')

@pytest.fixture
def absent():
    pytest.skip('needs a thing that is not here')

def test_of_a_fixture(absent):
    assert False

@pytest.mark.xfail
def test_expected_to_fail():
    assert False
'''


def run(folder, module, ci):
    (folder / 'support').mkdir(exist_ok=True)
    shutil.copy(TEST / 'conftest.py', folder)
    shutil.copy(TEST / 'support/skips.py', folder / 'support')
    (folder / 'inner_test.py').write_text(module)
    return run_command(['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'inner_test.py'], folder, ci)


def run_command(arguments, folder, ci):
    environment = {k: v for k, v in os.environ.items() if k not in ('CI', 'PYTEST_ADDOPTS', 'PYTEST_CURRENT_TEST')}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env={**environment, **ci}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def test_skips_pass_and_are_counted_elsewhere(tmp_path):
    code, said = run(tmp_path, TESTS, {})
    assert code == 0 and '3 skipped' in said, said
    assert 'skipped 2: needs a thing that is not here' in said and 'skipped in all: 3' in said, said


def test_skips_fail_in_ci(tmp_path):
    code, said = run(tmp_path, TESTS, {'CI': '1'})
    assert code == 1 and '1 skipped' in said and '2 errors' in said, said
    assert 'was skipped under CI=1: needs a thing that is not here' in said, said


def test_a_module_that_skips_itself_fails_in_ci(tmp_path):
    module = "import pytest\npytest.skip('needs a thing that is not here', allow_module_level=True)\n"
    assert run(tmp_path, module, {})[0] in (0, 5)
    code, said = run(tmp_path, module, {'CI': '1'})
    assert code not in (0, 5) and 'was skipped under CI=1' in said, said


REPORT = '''<?xml version="1.0"?>
<testsuites><testsuite name="Mount"><testcase name="Made" status="run" result="skipped" classname="Mount"><skipped message="mount_test.cpp:7&#x0A;needs CAP_SYS_ADMIN&#x0A;"/></testcase>
<testcase name="Slow" status="run" result="skipped" classname="Mount"><skipped message="mount_test.cpp:9&#x0A;a slow build&#x0A;"/></testcase>
<testcase name="Ran" status="run" result="completed" classname="Mount"/></testsuite></testsuites>'''


def test_googletests_skips_are_counted_and_fail_in_ci(tmp_path):
    (tmp_path / 'os_test.xml').write_text(REPORT)
    judge = [str(TEST / 'support/skips.py'), str(tmp_path)]
    code, said = run_command(judge, tmp_path, {})
    assert code == 0 and 'skipped 1: needs CAP_SYS_ADMIN' in said and 'skipped in all: 2' in said, said
    code, said = run_command(judge, tmp_path, {'CI': '1'})
    assert code == 1 and 'Mount.Made was skipped under CI=1: needs CAP_SYS_ADMIN' in said and 'Mount.Slow was' not in said, said
    (tmp_path / 'os_test.xml').unlink()
    assert run_command(judge, tmp_path, {})[0] == 1
