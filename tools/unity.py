#!/usr/bin/env python3
"""Puts the sources of a library into batches that are compiled as one file each: most of what a file costs is its headers.

    unity.py SOURCE_ROOT FOLDER BATCH_SIZE FILE...     writes the batches into FOLDER, prints the files to compile

Names of an anonymous namespace are seen by the rest of the batch. So two files are kept apart when one defines such a name, or a macro,
that the other defines or uses without a qualifier. Allowed are equal aliases, and functions of one name whose first parameters are
references to different classes (neither takes the other's calls); files of unrelated namespaces see nothing of each other. What this overlooks does not compile; what it is too careful about costs
a batch."""
import pathlib
import re
import sys

WORD = r'[A-Za-z_]\w*'
MACRO = re.compile(rf'^#define\s+({WORD})', re.M)
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
TYPE = re.compile(rf'^(?:template\s*<[^\n]*>\s*)?(?:struct|class|union|enum(?:\s+class)?|concept)\s+({WORD})')
ALIAS = re.compile(rf'^(?:using|namespace)\s+({WORD})\s*=\s*([^;]*);')
NAMESPACE = re.compile(r'^namespace ([\w:]+) \{', re.M)
# The class that a function's first parameter refers to.
CLASS_REFERENCE = re.compile(rf'\(\s*(?:const\s+)?((?:{WORD}::)*[A-Z]\w*)\s*&')
OTHER = re.compile(rf'(?<![\w:])({WORD})\s*(?:\[[^\]]*\]\s*)*([({{=;])')
USE = re.compile(rf'(?<![\w.>:])({WORD})\b')
CALL = re.compile(rf'(?<![\w.>:])({WORD})\s*\(')
KEYWORDS = {'if', 'for', 'while', 'switch', 'return', 'namespace', 'public', 'private', 'using', 'operator', 'static_assert', 'constexpr', 'const', 'requires', 'decltype', 'noexcept',
            'alignas', 'extern'}


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
        for line in private_lines(text):
            self.declare(line)
        rest = plain(text)
        self.used, self.called = set(USE.findall(rest)), set(CALL.findall(rest))

    def declare(self, line):
        if named := ALIAS.match(line):
            self.aliases[named[1]] = named[2]
        elif named := TYPE.match(line):
            self.others.add(named[1])
        elif found := [m for m in OTHER.finditer(re.sub(r'<[^<>]*>', '', re.sub(r'<[^<>]*>', '', line))) if m[1] not in KEYWORDS]:
            name, what = found[0][1], found[0][2]
            if what != '(':
                self.others.add(name)
            else:
                first = CLASS_REFERENCE.match(line[line.index('(', line.index(name)):] if '(' in line[line.index(name):] else '')
                self.functions.setdefault(name, set()).add(first[1] if first else '')

    def disturbs(self, other):
        """Asked in both directions."""
        if self.macros & other.used:
            return True
        if not any(within(a, b) or within(b, a) for a in self.namespaces for b in other.namespaces):
            return False
        if self.others & (other.used | other.functions.keys() | other.aliases.keys()) or self.aliases.keys() & other.functions.keys():
            return True
        if any(other.aliases.get(name, what) != what for name, what in self.aliases.items()):
            return True
        for name, firsts in self.functions.items():
            if name in other.functions:
                if '' in firsts | other.functions[name] or firsts & other.functions[name]:
                    return True
            elif name in other.called:
                return True
        return False


def within(inner, outer):
    return inner == outer or inner.startswith(outer + '::')


def private_lines(text):
    inside = False
    for line in text.split('\n'):
        if re.match(r'namespace\s*\{', line):
            inside = True
        elif re.match(r'\}\s*// namespace$', line):
            inside = False
        if (inside or line.startswith('static ')) and re.match(WORD, line):
            yield plain(line)


def batches(paths, size):
    """Each file goes into the first batch that has room for it and nothing that clashes; files of one folder stay together."""
    out = []
    for path in sorted(paths):
        source = Source(path)
        for members, sources in out:
            if len(members) < size and not any(source.disturbs(s) or s.disturbs(source) for s in sources):
                members.append(path)
                sources.append(source)
                break
        else:
            out.append(([path], [source]))
    return [members for members, _ in out]


def written(path, text):
    """A file whose text has not changed keeps its time: nothing is compiled again for it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def main():
    root, folder, size = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    out = set()
    for number, members in enumerate(batches([pathlib.Path(f) for f in sys.argv[4:]], size)):
        if len(members) == 1:
            print(members[0])
            continue
        text = ''.join(f'#include "{member.relative_to(root)}"\n' for member in members)
        out.add(written(folder / f'{number}.cpp', text))
        print(folder / f'{number}.cpp')
    for old in set(folder.glob('*.cpp')) - out:
        old.unlink()


if __name__ == '__main__':
    main()
