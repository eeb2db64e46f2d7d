"""The modules of the paper as one, for notebooks."""

import re

_IMPORT = re.compile(r'^import [^;]+ from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def join_modules(path) -> str:
    """Return the text of an ES module together with that of all modules that it imports.

    A page imports the modules itself; anywidget takes a single one. The modules must not import
    each other in a circle, import under another name, or use one name for two things.

    Parameters
    ----------
    path : Path
    """
    texts = {}

    def add(path):
        text = path.read_text(encoding="utf-8")
        for name in _IMPORT.findall(text):
            if name not in texts:
                add(path.with_name(name))
        # Behind what it needs.
        texts[path.name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(path)
    return "\n".join(texts.values())
