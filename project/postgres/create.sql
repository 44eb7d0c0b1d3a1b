-- Create the database of the app, whose role owns it and is no superuser; the image runs this once.
-- POSTGRES_PASSWORD becomes this role's: the superuser has none, and connects in the container alone.
\getenv password POSTGRES_PASSWORD
CREATE ROLE tailrace LOGIN PASSWORD :'password';
CREATE DATABASE tailrace OWNER tailrace;
ALTER ROLE postgres PASSWORD NULL;
