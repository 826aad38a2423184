-- The gateways of a cluster, one row each. A row says where a gateway is reached; nothing is decided by it.
CREATE TABLE penstock.members (
    node       text        PRIMARY KEY,
    address    text        NOT NULL,
    epoch      bigint      NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at    timestamptz NOT NULL DEFAULT now()
);
