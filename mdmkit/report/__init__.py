"""One self-contained HTML file in which the threshold can be moved."""

from mdmkit.report.building import Report, build_report, check_report
from mdmkit.report.origin import Origin

__all__ = ["Origin", "Report", "build_report", "check_report"]
