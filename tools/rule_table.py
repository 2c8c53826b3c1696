"""Write the README's table of rules anew from what the rules' own files say.

python tools/rule_table.py
"""

from pathlib import Path

from risk_actors.core.rules.reference import table_of_rules

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- The table is written by `python tools/rule_table.py` from the rules' own files. -->"
END = "<!-- End of the table. -->"


def with_table(text: str) -> str:
    """Return a README with the present table between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table_of_rules()}\n{END}{after}"


def main() -> None:
    """Write the file and say so."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {README.name}")


if __name__ == "__main__":
    main()
