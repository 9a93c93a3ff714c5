"""Tables: their contents before any form, and their forms."""
