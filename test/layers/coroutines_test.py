"""g++ 12 destroys some temporaries of a co_await expression twice: lambdas that own their captures, what braces make, and what
a conditional chooses; and the condition of an if or a loop that is itself awaited may be taken for its opposite, or for none.
Such arguments are named before the co_await. This test reads every co_await of src/ and of the programs under test/."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRINGS = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
COMMENTS = re.compile(r'//[^\n]*')
LAMBDA = re.compile(r'[(,]\s*\[([^\]]*)\]\s*(?:\(|\{|mutable)')
BRACES = re.compile(r'[(,]\s*[A-Za-z_][\w:<>]*\{\s*[^}\s]')
BARE_BRACES = re.compile(r'[(,]\s*\{')       # also with nothing in it: an aggregate of texts is made
EXCHANGED = re.compile(r'std::exchange\([^()]*\)')
LAMBDA_BODY = re.compile(r'\]\s*(?:\([^()]*\)\s*)?(?:mutable\s*)?\{')

CONDITION = re.compile(r'\b(?:if|while)\s*\(\s*!?\s*$|\bfor\s*\([^;{})]*;\s*!?\s*$')
CONDITIONAL = re.compile(r'[(,][^?;{}]*\?[^?;{}]*:')


def blank(match):
    """A literal without its text, of as many lines."""
    return '""' + '\n' * match.group(0).count('\n')


def expression(text, start):
    """What is awaited: up to the end of the statement or of the parenthesis around it."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in '([{':
            depth += 1
        elif text[at] in ')]}':
            depth -= 1
            if depth < 0:
                return text[start:at]
        elif text[at] == ';' and depth == 0:
            return text[start:at]
    return text[start:]


def owning_captures(captures):
    names = [c.strip() for c in captures.split(',')]
    return [c for c in names if c and c not in ('this', '=') and not c.startswith('&')]


def without_bodies(awaited):
    """What is awaited, without what stands in lambdas: that is not its own."""
    while found := LAMBDA_BODY.search(awaited):
        depth, at = 1, found.end()
        while depth and at < len(awaited):
            depth += {'{': 1, '}': -1}.get(awaited[at], 0)
            at += 1
        awaited = awaited[:found.start()] + awaited[at:]
    return awaited


def problems_of(text):
    text = COMMENTS.sub('', STRINGS.sub(blank, text))
    for match in re.finditer(r'\bco_await\b', text):
        awaited = expression(text, match.end())
        line = text[:match.start()].count('\n') + 1
        if CONDITION.search(text[max(0, match.start() - 200):match.start()]):
            yield line, 'a condition'
        for found in LAMBDA.finditer(awaited):
            if owning_captures(found.group(1)):
                yield line, 'a lambda that owns ' + ', '.join(owning_captures(found.group(1)))
        for found in BRACES.finditer(awaited):
            yield line, 'a braced temporary: ' + found.group(0)
        if BARE_BRACES.search(EXCHANGED.sub('', without_bodies(awaited))):
            yield line, 'a temporary that braces alone make'
        if CONDITIONAL.search(awaited):
            yield line, 'a conditional in the call'


def test_the_check_sees_what_it_must():
    assert list(problems_of('auto x = co_await f([this, set] { return g(); });'))
    assert list(problems_of('co_await f(Point{1, 2});'))
    assert list(problems_of('co_await f(a, {}, b);'))
    assert list(problems_of('co_await f({Reason::Gone, 0});'))
    assert list(problems_of('co_await f([&] { g(); h(); }, {});'))
    assert not list(problems_of('co_await f([&](int a) { g(a, {}); h(); });'))
    assert not list(problems_of('co_await f(std::exchange(a, {}));'))
    assert list(problems_of('co_await f(a ? b : c);'))
    assert list(problems_of('if (!co_await f()) return;')) and list(problems_of('while (co_await f()) g();'))
    assert list(problems_of('for (int i = 0; co_await f(); ++i) g();')) and not list(problems_of('for (int i = 0;; ++i) co_await f();'))
    assert not list(problems_of('co_await f(a)); x = a ? b : c;'))
    assert not list(problems_of('co_await f([this, &x] { x = 1; }); g([set] {});'))
    assert not list(problems_of('co_await ask("{a: [b]}", Point{});'))


def test_no_owning_temporary_is_awaited():
    found = []
    for path in sorted(p for folder in ('src', 'test') for p in (ROOT / folder).rglob('*')):
        if path.suffix in ('.h', '.cpp'):
            found += [f'{path.relative_to(ROOT)}:{line}: {what}: name it before the co_await' for line, what in problems_of(path.read_text())]
    assert not found, '\n'.join(found)
