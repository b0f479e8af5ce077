#!/usr/bin/env python3
"""Builds the images that tests and the demo run: test/images/build.py FOLDER [basic|all|packages].

FOLDER becomes a layout of blobs that test/support/registry.py serves. `basic` needs Debian packages and a C++ compiler;
`all` (the default) also the go command, for upstream's programs; `packages` downloads the packages and builds nothing.
What is there and made of the same files stays: a second run does nothing."""
import argparse
import hashlib
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import oci        # noqa: E402
import packages   # noqa: E402
import recipes    # noqa: E402

MODULES = {'agnhost': ('conformance', 'k8s.io/kubernetes/test/images/agnhost'), 'sample-apiserver': ('conformance', 'k8s.io/sample-apiserver'),
           'resource-consumer': ('conformance', 'k8s.io/kubernetes/test/images/resource-consumer'),
           'consume-cpu': ('conformance', 'k8s.io/kubernetes/test/images/resource-consumer/consume-cpu'),
           'etcd': ('peers/etcd', 'go.etcd.io/etcd/server/v3')}


class Tools:
    """What recipes are made with."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / 'bin'
        self.bin.mkdir(parents=True, exist_ok=True)
        self.packages = packages.Packages(folder / 'packages')
        self.memo = {}

    def files(self):
        return oci.Files()

    def program(self, name, *flags, variant=''):
        """A static program of programs/."""
        source = HERE / 'programs' / f'{name}.cpp'
        stamp = hashlib.sha256(source.read_bytes() + repr(flags).encode()).hexdigest()[:12]
        out = self.bin / f'{name}{variant and "-" + variant}.{stamp}'
        if not out.exists():
            packages.run('g++', '-std=c++20', '-O2', '-static', '-s', *flags, '-o', f'{out}.part', str(source))
            os.rename(f'{out}.part', out)
        return out

    def upstream(self, name):
        """A static program of upstream's, from its Go module."""
        out = self.bin / name
        if not out.exists():
            module, package = MODULES[name]
            print(f'images: building {name}', flush=True)
            packages.run('go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', f'{out}.part', package, cwd=HERE.parent / module, env={**os.environ, 'CGO_ENABLED': '0'})
            os.rename(f'{out}.part', out)
        return out

    def upstream_source(self, path):
        if 'source' not in self.memo:
            self.memo['source'] = pathlib.Path(packages.run('go', 'list', '-m', '-f', '{{.Dir}}', 'k8s.io/kubernetes', cwd=HERE.parent / 'conformance').strip())
        return self.memo['source'] / path


def sources_stamp(which):
    """Changes when what images are made by changes."""
    digest = hashlib.sha256(which.encode())
    for path in sorted([*HERE.glob('*.py'), *HERE.glob('programs/*'), *HERE.parent.glob('conformance/go.*'), *HERE.parent.glob('peers/etcd/go.*')]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def build(folder, which):
    done = folder / f'{which}.done'
    stamp = sources_stamp(which)
    if done.exists() and done.read_text() == stamp:
        return False
    tools = Tools(folder)
    fetched = tools.packages.fetch()
    if which == 'packages':
        return fetched
    tools.packages.unpack()
    base = recipes.Base(tools)
    layout = oci.Layout(folder)
    for recipe, names in recipes.BASIC + (recipes.UPSTREAM if which == 'all' else []):
        layers, config = recipe(tools, base)
        for name in names:
            layout.put_image(name, layers, config)
        layout.save()
    done.write_text(stamp)
    return True


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('folder', type=pathlib.Path)
    arguments.add_argument('which', nargs='?', default='all', choices=['basic', 'all', 'packages'])
    given = arguments.parse_args()
    began = time.monotonic()
    given.folder.mkdir(parents=True, exist_ok=True)
    if build(given.folder.resolve(), given.which):
        print(f'images: {given.folder} made in {time.monotonic() - began:.1f} s')


if __name__ == '__main__':
    main()
