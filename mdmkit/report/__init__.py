"""One self-contained HTML file in which the threshold can be moved."""

from mdmkit.report.building import Report, build_report, check_report

__all__ = ["Report", "build_report", "check_report"]
