-- The job that ends erasures asks whether a person's own row is still there, and sees nothing else.

create policy app_user_is_there on app_user for select using (id = (select onyx.ctx_user('@tenant@', 'job:erasure')));
