"""What test/conformance makes of the suite's reports: names, outcomes, and two runs beside each other."""
import pytest
from conformance import beside, run

REPORT = '''<testsuites><testsuite>
<testcase name="[SynchronizedBeforeSuite]" status="passed" time="1"/>
<testcase name="[It] [sig-apps] A [Conformance] [sig-apps, Conformance]" status="passed" time="2.25"/>
<testcase name="[It] [sig-apps] B [Serial] [sig-apps, Serial]" status="failed" time="3"><failure message="it broke&#10;there">x</failure></testcase>
<testcase name="[It] [sig-apps] C [sig-apps]" status="panicked" time="3"><error message="nil"/></testcase>
<testcase name="[It] [sig-apps] D [sig-apps]" status="skipped" time="0"><skipped message="skipped"/></testcase>
<testcase name="[It] [sig-scheduling] E [sig-scheduling]" status="skipped" time="0"><skipped message="skipped - needs three zones"/></testcase>
</testsuite></testsuites>'''


def test_a_report_is_read(tmp_path):
    (tmp_path / 'junit.xml').write_text(REPORT)
    read = run.read_results(tmp_path)
    assert {spec: (beside.outcome(r), beside.first_line(r)) for spec, r in read.items()} == {
        '[sig-apps] A [Conformance]': ('passed', ''), '[sig-apps] B [Serial]': ('failed', 'it broke'), '[sig-apps] C': ('failed', 'nil'),
        '[sig-scheduling] E': ('skipped', 'needs three zones')}     # D was not asked for
    assert beside.count(read) == {'apps': {'passed': 1, 'failed': 2, 'skipped': 0}, 'scheduling': {'passed': 0, 'failed': 0, 'skipped': 1}}


@pytest.mark.parametrize('given,name', [
    ('[It] [sig-apps] Job should run [Serial] [sig-apps, Serial]', '[sig-apps] Job should run [Serial]'),
    ('[It] [sig-autoscaling] [Feature:HPA] H [Slow] up [sig-autoscaling, Feature:HPA, Slow]', '[sig-autoscaling] [Feature:HPA] H [Slow] up'),
    ('[It] [sig-node] P [NodeConformance] [Conformance] [sig-node, NodeConformance, Conformance]', '[sig-node] P [NodeConformance] [Conformance]'),
])
def test_names_lose_their_labels(given, name):
    assert run.spec_name(given) == name


def test_runs_beside_each_other(capsys):
    def result(status, message=''):
        return {'status': status, 'message': message}
    ours = {'[sig-apps] a': result('passed'), '[sig-apps] b': result('timedout', 'slow\nmore'), '[sig-apps] c': result('failed', 'both'), '[sig-apps] d': result('passed')}
    theirs = {'[sig-apps] a': result('passed'), '[sig-apps] b': result('passed'), '[sig-apps] c': result('failed', 'both'), '[sig-scheduling] e': result('skipped', 'no cloud')}
    assert beside.compare(ours, theirs) == [('[sig-apps] b', 'failed', 'passed', 'slow'), ('[sig-apps] d', 'passed', '-', ''), ('[sig-scheduling] e', '-', 'skipped', '')]
    assert beside.report(ours, theirs) == ['[sig-apps] b']
    printed = capsys.readouterr().out
    assert '| apps | 2 | 2 | 2 | 1 | 0 | 0 |' in printed and '| scheduling | 0 | 0 | 0 | 0 | 0 | 1 |' in printed and 'failed on both: [sig-apps] c' in printed
