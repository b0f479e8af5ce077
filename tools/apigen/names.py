"""From schema names to C++ names."""

import re

KEYWORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const
consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double
dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace new
noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return short
signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid
typename union unsigned using virtual void volatile wchar_t while xor xor_eq""".split())

# Plurals of acronyms are one word: podIPs is pod_ips.
_WORDS = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]|[0-9]+")


def member(json_name):
    """nodeName -> node_name, podIPs -> pod_ips, default -> default_, x-kubernetes-map-type -> x_kubernetes_map_type."""
    words = _WORDS.findall(json_name)
    name = "_".join(w.lower() for w in words)
    return name + "_" if name in KEYWORDS else name


def literal(text):
    """A C++ string literal of `text`."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif c == "\n":
            out.append("\\n")
        elif ord(c) < 32 or ord(c) > 126:
            out.append("".join(f"\\{b:03o}" for b in c.encode()))
        else:
            out.append(c)
    return '"' + "".join(out) + '"'
