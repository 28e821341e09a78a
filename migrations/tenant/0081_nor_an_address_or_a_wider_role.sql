-- Two more ways back of somebody who is being thrown out (0080): another person's e-mail, to which a link for a new password
-- would go, and a role of the tenant's own that allows more than before.
create trigger still_signed_in_to_move after update of email on app_user execute function must_still_be_signed_in();
create trigger still_signed_in after insert or update on role execute function must_still_be_signed_in();
