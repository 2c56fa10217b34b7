"""Sums up the reports of ./tools/test: a folder of NAME.code (exit codes) and NAME.xml (JUnit).

The last line is "N passed, N failed" and, when there are any, ", N skipped". A step that failed
without naming a failed test counts as one failure; a step without a report counts as one test,
builds only when they fail. Exits with 1 when anything failed or nothing ran.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

NO_TESTS_COLLECTED = 5  # pytest's exit code when a filter leaves nothing


def count_report(path):
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            # ctest says "notrun" of a test whose program is missing, too.
            reason = case.find("skipped").get("message", "")
            if case.get("status") == "notrun" and not reason.startswith("SKIP_"):
                failed += 1
            else:
                skipped += 1
        elif case.get("status") == "disabled":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_step(code_path, filtered):
    name, code = code_path.stem, int(code_path.read_text())
    report = code_path.with_suffix(".xml")
    if not report.exists():
        ran = 0 if name.endswith("-build") else 1
        return (0, 1, 0) if code else (ran, 0, 0)
    passed, failed, skipped = count_report(report)
    if filtered and code == NO_TESTS_COLLECTED:
        code = 0
    if failed == 0 and (code or not (passed or skipped or filtered)):
        failed = 1
    return passed, failed, skipped


def main():
    folder, filtered = Path(sys.argv[1]), "--filtered" in sys.argv[2:]
    total = [0, 0, 0]
    for code_path in sorted(folder.glob("*.code")):
        counts = count_step(code_path, filtered)
        total = [a + b for a, b in zip(total, counts)]
        print(f"{code_path.stem:24} {counts[0]:6} passed {counts[1]:4} failed")
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
