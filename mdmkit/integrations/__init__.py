"""Integrations: mdmkit in the company of other libraries; each file needs one of them."""
