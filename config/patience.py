"""How long the web server waits for what clients have begun to say."""

HEAD_SECONDS = 15  # for a request's head, and between two requests of one connection
BODY_SECONDS = 15  # for the body, and …
BODY_PACE = 16_384  # … a second more for each so many bytes of it
AT_A_TIME = 65_536  # bytes that one read may wait for where nobody has said how many will come
WAITING = 1000  # connections of one process that have not said yet what they want
