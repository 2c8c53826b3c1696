"""Where a key stands in a TOML file, so that an error can name its line.

The standard parser gives values without positions. This scan reads the same text again for the
positions alone: table headers, keys, and the items and keys inside arrays and inline tables.
"""

import re

type Path = tuple[str | int, ...]
"""Keys and array indices from the file's root: `("rules", 2, "limit_usd")`."""

_HEADER = re.compile(r"\s*(\[\[?)\s*(?P<name>[^\]]+?)\s*\]")
_KEY = re.compile(
    r"""\s*(?P<name>(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
    r"""(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*'))*)\s*=\s*"""
)
_KEY_PART = re.compile(r""""[^"]*"|'[^']*'|[^.\s]+""")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{},\n]",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:\s|\#[^\n]*)*")


class LineIndex:
    """The line of every table and key of one TOML text that has already parsed."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._array_lengths: dict[Path, int] = {}
        self._scan(text)

    def line_of(self, path: Path) -> int | None:
        """Return the line (from 1) of a key, or of the nearest thing around it; None at the root.

        A missing key has no line of its own, so its table's header answers for it.
        """
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return None

    def _scan(self, text: str) -> None:
        table: Path = ()
        position, line = 0, 1
        while position < len(text):
            if header := _HEADER.match(text, position, self._line_end(text, position)):
                table = self._enter(_parts(header["name"]), header[1] == "[[", line)
                end = self._line_end(text, position)
            elif key := _KEY.match(text, position, self._line_end(text, position)):
                path = (*table, *_parts(key["name"]))
                self._note(path, line)
                end = _value_end(text, key.end())
                self._scan_value(path, text[key.end() : end], line)
            else:
                end = self._line_end(text, position)
            line += text.count("\n", position, end + 1)
            position = end + 1

    @staticmethod
    def _line_end(text: str, position: int) -> int:
        end = text.find("\n", position)
        return len(text) if end < 0 else end

    def _enter(self, parts: list[str], is_array: bool, line: int) -> Path:
        path: Path = ()
        for part in parts[:-1]:
            path = self._newest((*path, part))
        path = (*path, parts[-1])
        if is_array:
            index = self._array_lengths.get(path, 0)
            self._array_lengths[path] = index + 1
            self._lines.setdefault(path, line)
            path = (*path, index)
        else:
            path = self._newest(path)
        self._lines.setdefault(path, line)
        return path

    def _newest(self, path: Path) -> Path:
        """Return the path of an array's last table, or the path itself when it is no array."""
        length = self._array_lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _note(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)

    def _scan_value(self, path: Path, text: str, line: int) -> None:
        """Note the lines of what lies inside a value: items of arrays, keys of inline tables."""
        # What is open at a place of the text: its path, and the item's index or None for a table.
        around: list[tuple[Path, int | None]] = []
        inner = path
        for token in _TOKEN.finditer(text):
            if token[0] in "[{":
                around.append((inner, 0 if token[0] == "[" else None))
            elif token[0] == "," and around:
                outer, index = around[-1]
                around[-1] = (outer, None if index is None else index + 1)
            elif token[0] in "]}" and around:
                around.pop()
                continue
            else:
                continue
            outer, index = around[-1]
            start = _end_of_blank(text, token.end())
            key = _KEY.match(text, start) if index is None else None
            if index is not None:
                inner = (*outer, index)
            elif key is not None:
                inner = (*outer, *_parts(key["name"]))
            else:
                continue
            self._note(inner, line + text.count("\n", 0, start))


def _end_of_blank(text: str, position: int) -> int:
    """Return where the next thing that is neither blank nor comment stands."""
    blank = _BLANK.match(text, position)
    return position if blank is None else blank.end()


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in _KEY_PART.findall(name)]


def _value_end(text: str, position: int) -> int:
    """Return where the value's last line ends, strings and open brackets skipped."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth <= 0:
            return token.start()
    return len(text)
