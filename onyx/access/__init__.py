"""Who may do what: permissions, roles, and the one screen that maps them."""
