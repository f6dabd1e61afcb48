-- customers.sqlite is made of this by `python3 data/make_customers.py`.
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    region TEXT NOT NULL CHECK (region IN ('north', 'south', 'west'))
);

INSERT INTO customers VALUES (101, 'Birch & Sons', 'north');
INSERT INTO customers VALUES (102, 'Harbour Books', 'west');
INSERT INTO customers VALUES (103, 'Café Olé', 'south');
INSERT INTO customers VALUES (104, 'Northern Light', 'north');
INSERT INTO customers VALUES (105, 'Two Rivers', 'west');
INSERT INTO customers VALUES (106, 'O''Neill Tools', 'south');
