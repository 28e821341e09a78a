"""The ways in: HTTP, sockets, jobs. Here a person is identified, allowed, limited and logged; here errors get a status."""
