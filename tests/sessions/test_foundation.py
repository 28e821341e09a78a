"""The house that the other tests stand in."""


def test_alice_reaches_her_own_sessions(client_of):
    answer = client_of("alice").get("/api/v1/auth/sessions")
    assert answer.status_code == 200, answer.text
    assert len(answer.get_json()["data"]) == 1


def test_the_cookie_works_with_csrf_and_not_without(client_of):
    assert client_of("bob", by="cookie").post("/api/v1/auth/logout").status_code == 200
    assert client_of("bob", by="cookie", csrf=False).post("/api/v1/auth/logout").status_code == 403


def test_a_socket_of_alice_opens(server, socket_of):
    socket = socket_of("alice", server())
    assert socket.connected


def test_two_processes(server, socket_of):
    assert len(server(processes=2).pids()) == 2
    assert socket_of("alice", server(processes=2)).connected
