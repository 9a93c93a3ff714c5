"""Self-contained HTML: a report in which the threshold can be moved, and a leaderboard."""

from mdmkit.report.building import Report, build_report, check_report
from mdmkit.report.origin import Origin

__all__ = ["Origin", "Report", "build_report", "check_report"]
