"""Tables: on the terminal, and as the Markdown of RESULTS.md, where each benchmark has a section of its own."""

import datetime
import os
import platform
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "RESULTS.md")
HEAD = """# Measured

What `make bench ONLY="--write"` measured last, a section a benchmark; the budgets are those of the design. Times say
little by themselves: read the ratios, each against a peer or a limit of the same run on the same machine.
"""


class Table:
    def __init__(self, *columns):
        self.columns = columns
        self.rows = []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])
        return self

    def text(self):
        lines = [list(self.columns)] + self.rows
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join("  " + "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)

    def markdown(self):
        lines = [self.columns, ["---"] + ["---:"] * (len(self.columns) - 1)] + self.rows
        return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


class Raw:
    """What another program has laid out already."""

    def __init__(self, text):
        self.lines = text.rstrip()

    def text(self):
        return "\n".join("  " + line for line in self.lines.splitlines())

    def markdown(self):
        if self.lines.lstrip().startswith("|"):
            return self.lines
        return "```\n" + self.lines + "\n```"


class Note:
    def __init__(self, words):
        self.words = words

    def text(self):
        return "  " + self.words

    def markdown(self):
        return self.words


def machine(folder):
    """Cores, CPU, kernel and file system: what the figures hang on."""
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        for line in text:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    found = subprocess.run(["df", "--output=fstype", folder], capture_output=True, text=True, check=False)
    with open("/proc/meminfo", encoding="utf-8") as text:
        gib = int(re.search(r"MemTotal:\s+(\d+)", text.read())[1]) / (1 << 20)
    return (f"{os.cpu_count()} cores ({model}), {gib:.0f} GiB, Linux {platform.release()}, "
            f"{found.stdout.split()[-1]}, {datetime.date.today()}")


def read_sections():
    if not os.path.exists(RESULTS):
        return {}
    with open(RESULTS, encoding="utf-8") as text:
        parts = re.split(r"^## (.+)$", text.read(), flags=re.M)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2])}


def write_section(order, name, about, parts, where):
    """Replaces the section of one benchmark, and leaves the others as they are."""
    sections = read_sections()
    sections[name] = "\n\n".join(
        [about] + [part.markdown() for part in parts] + [f"`make bench ONLY=\"{name}\"`: {where}"])
    names = [each for each in order if each in sections] + [each for each in sections if each not in order]
    with open(RESULTS, "w", encoding="utf-8") as text:
        text.write(HEAD + "".join(f"\n## {each}\n\n{sections[each]}\n" for each in names))
