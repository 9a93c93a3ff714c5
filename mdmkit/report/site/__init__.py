"""A leaderboard: several comparisons as a folder of pages that work offline."""

from mdmkit.report.site.building import Site, build_site
from mdmkit.report.site.saved import find_results
from mdmkit.report.site.writing import check_site, write_site

__all__ = ["Site", "build_site", "check_site", "find_results", "write_site"]
