#!/usr/bin/env python3
"""Prints which share of the lines of src the tests of a coverage build ran, by folder: coverage.py BUILD [-v: by file]."""
import collections
import concurrent.futures
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def lines_of(counts_file):
    """{source: {line: runs}} of one compiled file."""
    out = collections.defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['gcov-12', '--json-format', '--object-directory', str(counts_file.parent), str(counts_file)], cwd=folder, check=True, capture_output=True)
        for answer in pathlib.Path(folder).glob('*.gcov.json.gz'):
            for file in json.loads(gzip.decompress(answer.read_bytes()))['files']:
                path = pathlib.Path(os.path.normpath(counts_file.parent / file['file']))
                if path.is_relative_to(ROOT / 'src') and not path.name.endswith('_test.cpp'):
                    for line in file['lines']:
                        source = out[str(path.relative_to(ROOT / 'src'))]
                        source[line['line_number']] = source.get(line['line_number'], 0) + line['count']
    return out


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    total = collections.defaultdict(dict)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for part in pool.map(lines_of, sorted(build.rglob('*.gcda'))):
            for path, lines in part.items():
                for line, runs in lines.items():
                    total[path][line] = total[path].get(line, 0) + runs
    groups = collections.defaultdict(lambda: [0, 0])
    for path, lines in total.items():
        for name in (path if '-v' in sys.argv else path.split('/')[0], 'all'):
            groups[name][0] += sum(1 for runs in lines.values() if runs)
            groups[name][1] += len(lines)
    for name, (run, lines) in sorted(groups.items(), key=lambda group: group[1][0] / group[1][1]):
        print(f'{100 * run / lines:6.1f} %  {lines:7} lines  {name}')


if __name__ == '__main__':
    main()
