#!/usr/bin/env python3
"""What a build folder's files took, from ninja's log: build_cost.py BUILD [how many of the slowest, 10]. Seconds of the clock for each step, so on a
busy machine they are too many."""
import pathlib
import sys


def steps(log):
    """{output: seconds} of the newest run of each step."""
    out = {}
    for line in log.read_text().splitlines():
        fields = line.split('\t')
        if len(fields) == 5:
            out[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    return out


def main():
    taken = steps(pathlib.Path(sys.argv[1]) / '.ninja_log')
    kinds = {'compile': '.o', 'archive': '.a'}
    for kind, ending in kinds.items():
        of_kind = [seconds for output, seconds in taken.items() if output.endswith(ending)]
        print(f'{kind}: {len(of_kind)} steps, {sum(of_kind):.0f} s')
    slowest = sorted(((seconds, output) for output, seconds in taken.items()), reverse=True)
    for seconds, output in slowest[:int(sys.argv[2]) if len(sys.argv) > 2 else 10]:
        print(f'  {seconds:6.1f} s  {output.replace("CMakeFiles/", "")}')


if __name__ == '__main__':
    main()
