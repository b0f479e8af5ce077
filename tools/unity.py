#!/usr/bin/env python3
"""Puts the sources of a library into batches that are compiled as one file each: most of what a file costs is its headers.

    unity.py SOURCE_ROOT FOLDER BATCH_SIZE FILE...     writes the batches into FOLDER, prints the files to compile

Names of an anonymous namespace are seen by the rest of the batch. Where one file's would disturb another (it defines such a name that the
other defines or uses without a qualifier), the batch gives it another name while that file is read, by a macro, after all headers of all
files. Where that is impossible (the file also uses the name after a dot, an arrow or a colon) the files are kept apart. What this overlooks does not
compile; what it is too careful about costs a batch."""
import pathlib
import re
import sys

WORD = r'[A-Za-z_]\w*'
MACRO = re.compile(rf'^#define\s+({WORD})', re.M)
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
TYPE = re.compile(rf'^(?:template\s*<[^\n]*>\s*)?(?:struct|class|union|enum(?:\s+class)?|concept)\s+({WORD})')
ALIAS = re.compile(rf'^(?:using|namespace)\s+({WORD})\s*=\s*([^;]*);')
NAMESPACE = re.compile(r'^namespace ([\w:]+) \{', re.M)
MORE = re.compile(rf',\s*({WORD})\s*=')
# The class that a function's first parameter refers to.
CLASS_REFERENCE = re.compile(rf'\(\s*(?:const\s+)?((?:{WORD}::)*[A-Z]\w*)\s*&')
OTHER = re.compile(rf'(::)?(?<!\w)({WORD})\s*(?:\[[^\]]*\]\s*)*([({{=;])')
USE = re.compile(rf'(?<![\w.>:])({WORD})\b')
MEMBER = re.compile(rf'(?:\.|->|::)\s*({WORD})\b')
OVERRIDE = re.compile(rf'\b({WORD})\([^;{{}}]*\boverride\b')
TEST = re.compile(rf'^TEST(?:_F|_P)?\(({WORD}),\s*({WORD})\)', re.M)
INCLUDE = re.compile(r'^#include (?:<[^>]*>|"[^"]*\.h")', re.M)   # tables (.inc) are read where they stand
CALL = re.compile(rf'(?<![\w.>:])({WORD})\s*\(')
KEYWORDS = {'if', 'for', 'while', 'switch', 'return', 'namespace', 'public', 'private', 'using', 'operator', 'static_assert', 'constexpr', 'const', 'requires', 'decltype', 'noexcept',
            'alignas', 'extern', 'struct', 'class', 'enum', 'union', 'template', 'inline', 'auto', 'nullptr', 'sizeof', 'co_await', 'co_return'}


def plain(text):
    """Without comments, and with texts emptied."""
    return COMMENT_OR_TEXT.sub(lambda m: '""' if m[0][0] in '"R\'' else ' ', text)


class Source:
    """What a file keeps to itself (what its anonymous namespaces and its static lines declare, and macros) and what it uses. Declarations
    begin in the first column and an anonymous namespace ends with "}  // namespace", as in all of this tree."""

    def __init__(self, path):
        text = path.read_text()
        self.functions, self.aliases, self.others, self.macros = {}, {}, set(), set(MACRO.findall(text))
        self.namespaces = set(NAMESPACE.findall(text))
        rest = plain(text)
        # gtest's macros say ::testing; what is also declared for others keeps its name.
        self.fixed = set(MEMBER.findall(rest)) | set(OVERRIDE.findall(rest)) | {'testing'}
        for private, line in declaration_lines(text):
            if private:
                self.declare(line)
            else:
                self.fixed |= {m[2] for m in OTHER.finditer(line)}
        self.used, self.called = set(USE.findall(rest)), set(CALL.findall(rest))
        self.others |= {f'{suite}_{name}_Test' for suite, name in TEST.findall(rest)}
        self.fixed |= {f'{suite}_{name}_Test' for suite, name in TEST.findall(rest)}
        self.used |= {f'{suite}_{name}_Test' for suite, name in TEST.findall(rest)}
        self.includes = INCLUDE.findall(text)

    def declare(self, line):
        if named := ALIAS.match(line):
            self.aliases[named[1]] = named[2]
        elif named := TYPE.match(line):
            self.others.add(named[1])
        elif found := [m for m in OTHER.finditer(re.sub(r'<[^<>]*>', '', re.sub(r'<[^<>]*>', '', line))) if m[2] not in KEYWORDS]:
            qualified, name, what = found[0].groups()
            if qualified or name.isupper():
                return            # a member's definition; a macro of gtest
            if what != '(':
                self.others |= {name, *MORE.findall(line)}
            else:
                first = CLASS_REFERENCE.match(line[line.index('(', line.index(name)):] if '(' in line[line.index(name):] else '')
                self.functions.setdefault(name, set()).add(first[1] if first else '')

    def disturbing(self, other):
        """Names of this file that the other must not see."""
        if not any(within(a, b) or within(b, a) for a in self.namespaces for b in other.namespaces):
            return self.macros & other.used
        names = (self.macros | self.others) & (other.used | other.functions.keys() | other.aliases.keys())
        names |= self.aliases.keys() & (other.functions.keys() | other.others)
        names |= {name for name, what in self.aliases.items() if name in other.used and other.aliases.get(name) != what}
        for name, firsts in self.functions.items():
            if name in other.functions:
                if '' in firsts | other.functions[name] or firsts & other.functions[name]:
                    names.add(name)
            elif name in other.called:
                names.add(name)
        return names

    def renamed(self, others):
        """The names that change beside `others`; None where one cannot."""
        names = set().union(*(self.disturbing(other) for other in others))
        return None if names & (self.fixed | self.macros) else names


def within(inner, outer):
    return inner == outer or inner.startswith(outer + '::')


def declaration_lines(text):
    """(is it private, line) of the lines that may begin a declaration."""
    inside = False
    for line in text.split('\n'):
        if re.match(r'namespace\s*\{', line):
            inside = True
        elif re.match(r'\}\s*// namespace$', line):
            inside = False
        if re.match(WORD, line) and not line.startswith('using namespace '):
            yield inside or line.startswith('static '), plain(line)
    if inside:
        raise ValueError('an anonymous namespace does not end with "}  // namespace": clang-format writes it')


def fits(source, sources):
    together = [*sources, source]
    return all(one.renamed([s for s in together if s is not one]) is not None for one in together)


def batches(paths, size):
    """[(paths, sources)]: each file goes into the first batch that has room for it and where nothing is disturbed."""
    out = []
    for path in sorted(paths):
        try:
            source = Source(path)
        except ValueError as e:
            raise SystemExit(f'{path}: {e}') from e
        for members, sources in out:
            if len(members) < size and fits(source, sources):
                members.append(path)
                sources.append(source)
                break
        else:
            out.append(([path], [source]))
    return out


def written(path, text):
    """A file whose text has not changed keeps its time: nothing is compiled again for it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def batch_text(root, members, sources):
    lines = ['// Written by tools/unity.py.', *sorted({line for source in sources for line in source.includes})]
    for member, source in zip(members, sources):
        names = sorted(source.renamed([s for s in sources if s is not source]))
        place = re.sub(r'\W', '_', str(member.relative_to(root).with_suffix('')))
        lines += [f'#define {name} {name}__{place}' for name in names]
        lines.append(f'#include "{member.relative_to(root)}"')
        lines += [f'#undef {name}' for name in names]
    return '\n'.join(lines) + '\n'


def main():
    root, folder, size = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    out = set()
    for number, (members, sources) in enumerate(batches([pathlib.Path(f) for f in sys.argv[4:]], size)):
        if len(members) == 1:
            print(members[0])
            continue
        out.add(written(folder / f'{number}.cpp', batch_text(root, members, sources)))
        print(folder / f'{number}.cpp')
    for old in set(folder.glob('*.cpp')) - out:
        old.unlink()


if __name__ == '__main__':
    main()
