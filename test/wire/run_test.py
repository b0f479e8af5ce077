"""The floor of the golden conversation: what it says of scores, without a server."""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402

SAID = '''mutation | a | status 422 wanted, 201 got: null
access         82 asked  100.0% same status   97.6% same answer
custom         34 asked    5.9% same status    0.0% same answer
wire: 94.9% of 2240 answers agree with upstream (98.6% same status)
'''


def floor(access_answer, custom_status):
    return {'access': {'answer': access_answer, 'status': 100.0}, 'custom': {'answer': 0.0, 'status': custom_status}}


def test_scores_are_read():
    assert run.scores_of(SAID) == {'access': {'status': 100.0, 'answer': 97.6}, 'custom': {'status': 5.9, 'answer': 0.0}}


def test_a_class_below_its_floor_is_named():
    scores = run.scores_of(SAID)
    assert not run.below(scores, floor(97.6, 5.9))
    assert run.below(scores, floor(97.7, 5.9)) == ['access: 97.6% of equal answer, below the floor of 97.7%']
    assert len(run.below({}, floor(97.6, 5.9))) == 4
    assert not run.below(scores, floor(97.7, 5.9), only=['custom'])


def test_the_floor_only_rises():
    assert run.raised(run.scores_of(SAID), floor(50, 90)) == floor(97.6, 90)


def test_every_class_of_the_conversation_has_a_floor():
    said = json.loads((HERE / 'floor.json').read_text())
    assert set(said) == {'access', 'admission', 'custom', 'lifecycle', 'mutation', 'protocol'}
    assert all(set(row) == {'answer', 'status'} for row in said.values())
