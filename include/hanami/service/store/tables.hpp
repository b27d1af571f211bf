// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

namespace hanami::service::store {

/// The database's versions: script n brings version n to n + 1 (`PRAGMA user_version`), in one
/// transaction. A script is never changed once it is released; new ones are added at the end. Times
/// are milliseconds since 1970.
inline constexpr std::array<const char*, 11> migrations = {R"sql(
CREATE TABLE users (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, admin INTEGER NOT NULL, password TEXT NOT NULL,
  creator_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL, generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, creator_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  role TEXT NOT NULL, project_admin INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_by_project ON memberships(project_id);

CREATE TABLE quotas (
  user_id TEXT PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  clusters INTEGER NOT NULL, datasets INTEGER NOT NULL, checkpoints INTEGER NOT NULL,
  open_tasks INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- hash: SHA-256 of the token, hex. used: 1 once it has been exchanged.
CREATE TABLE refresh_tokens (
  hash TEXT PRIMARY KEY, family TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  project_id TEXT NOT NULL, generation INTEGER NOT NULL,
  used INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens(family);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens(user_id);

-- Access tokens that were given back before their time.
CREATE TABLE revoked_tokens (
  id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- bytes: on disk. detail: JSON, of the kind's own.
CREATE TABLE resources (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('cluster', 'dataset', 'checkpoint', 'upload')),
  name TEXT NOT NULL, owner_id TEXT NOT NULL, project_id TEXT NOT NULL,
  visibility INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL, bytes INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX resources_by_project ON resources(kind, project_id, created_at, id);
CREATE INDEX resources_by_creation ON resources(kind, created_at, id);
CREATE INDEX resources_by_owner ON resources(owner_id, kind);

-- state: 0 queued, 1 active, 2 finished, 3 aborted, 4 failed. plan, outcome: JSON.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, cluster_id TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, owner_id TEXT NOT NULL, state INTEGER NOT NULL,
  plan TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL, total INTEGER NOT NULL,
  done INTEGER NOT NULL, queued_at INTEGER NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tasks_by_sequence ON tasks(sequence);
CREATE INDEX tasks_by_cluster ON tasks(cluster_id, sequence);
CREATE INDEX tasks_by_state ON tasks(state, sequence);
CREATE INDEX tasks_by_owner ON tasks(owner_id, state);

CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL,
  method TEXT NOT NULL, path TEXT NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log(at);
CREATE INDEX audit_log_by_user ON audit_log(user_id, at);

CREATE TABLE error_log (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user_id TEXT NOT NULL, operation TEXT NOT NULL,
  input TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE INDEX error_log_by_time ON error_log(at);

CREATE TABLE kept_answers (
  user_id TEXT NOT NULL, key TEXT NOT NULL, print TEXT NOT NULL, status INTEGER NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
)sql",
                                                           R"sql(
ALTER TABLE kept_answers RENAME COLUMN user_id TO owner; -- a user in a project
)sql",
                                                           R"sql(
-- used: how often. next: hash of the token that it was exchanged for.
ALTER TABLE refresh_tokens ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE refresh_tokens ADD COLUMN next TEXT NOT NULL DEFAULT '';

-- id: the family of its tokens. device: what the client says of itself.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  project_id TEXT NOT NULL, address TEXT NOT NULL, device TEXT NOT NULL,
  created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions(user_id, used_at);

-- hash: SHA-256 of the token, hex. scopes: a sum. used_at: 0 if never.
CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  project_id TEXT NOT NULL, name TEXT NOT NULL, scopes INTEGER NOT NULL,
  generation INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_tokens_by_user ON api_tokens(user_id, created_at);

-- secret: encrypted. confirmed_at: 0 until a first code has shown that it has arrived. last_step:
-- of the newest code that was taken.
CREATE TABLE second_factors (
  user_id TEXT PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  secret TEXT NOT NULL, confirmed_at INTEGER NOT NULL, last_step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- hash: SHA-256 of the code, hex.
CREATE TABLE recovery_codes (
  user_id TEXT NOT NULL REFERENCES second_factors(user_id) ON DELETE CASCADE,
  hash TEXT NOT NULL, PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
)sql",
                                                           R"sql(
-- A link of a task has several columns; a request's answers come in more than two forms.
UPDATE tasks SET plan = json_set(plan,
  '$.inputs', json((SELECT json_group_array(json_object(
      'input', value ->> 'input', 'dataset_id', value ->> 'dataset_id',
      'columns', CASE value ->> 'column' WHEN '' THEN json_array()
                 ELSE json_array(value ->> 'column') END))
    FROM json_each(plan, '$.inputs'))),
  '$.outputs', json((SELECT json_group_array(json_object(
      'output', value ->> 'output', 'dataset_id', value ->> 'dataset_id',
      'columns', CASE value ->> 'column' WHEN '' THEN json_array()
                 ELSE json_array(value ->> 'column') END))
    FROM json_each(plan, '$.outputs'))),
  '$.answers', CASE WHEN plan ->> 'winners' THEN 'winners' ELSE 'values' END)
WHERE json_type(plan, '$.inputs') = 'array';
)sql",
                                                           R"sql(
ALTER TABLE quotas ADD COLUMN memory INTEGER NOT NULL DEFAULT -1; -- of the settings
CREATE INDEX resources_by_name ON resources(kind, project_id, name);
DROP INDEX resources_by_owner;
CREATE INDEX resources_by_owner ON resources(owner_id, kind, bytes);
)sql",
                                                           R"sql(
ALTER TABLE quotas ADD COLUMN streams INTEGER NOT NULL DEFAULT 100;

-- Streams join the kinds.
CREATE TABLE more_resources (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('cluster', 'stream', 'dataset', 'checkpoint', 'upload')),
  name TEXT NOT NULL, owner_id TEXT NOT NULL, project_id TEXT NOT NULL,
  visibility INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL, bytes INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO more_resources SELECT id, kind, name, owner_id, project_id, visibility, created_at,
  updated_at, version, bytes, detail FROM resources;
DROP TABLE resources;
ALTER TABLE more_resources RENAME TO resources;
CREATE INDEX resources_by_project ON resources(kind, project_id, created_at, id);
CREATE INDEX resources_by_creation ON resources(kind, created_at, id);
CREATE INDEX resources_by_name ON resources(kind, project_id, name);
CREATE INDEX resources_by_owner ON resources(owner_id, kind, bytes);
)sql",
                                                           R"sql(
-- secret: encrypted. last_alarm: the number of the last alarm that became a message.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, stream_id TEXT NOT NULL REFERENCES resources(id) ON DELETE CASCADE,
  owner_id TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL, enabled INTEGER NOT NULL,
  reason TEXT NOT NULL, last_alarm INTEGER NOT NULL, dropped INTEGER NOT NULL,
  created_at INTEGER NOT NULL, failing_since INTEGER NOT NULL, disabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhooks_by_stream ON webhooks(stream_id, created_at);

-- state: 0 waiting, 1 delivered, 2 failed.
CREATE TABLE webhook_messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
  id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, state INTEGER NOT NULL,
  tries INTEGER NOT NULL, status INTEGER NOT NULL, trouble TEXT NOT NULL,
  created_at INTEGER NOT NULL, tried_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  UNIQUE (webhook_id, id)
) STRICT;
CREATE INDEX webhook_messages_by_state ON webhook_messages(state, webhook_id, next_at);
)sql",
                                                           R"sql(
-- Of the API token that spoke; empty where none did.
ALTER TABLE audit_log ADD COLUMN token_id TEXT NOT NULL DEFAULT '';
)sql",
                                                           R"sql(
-- What lists show of a resource beside its row: JSON, of the kind's own.
CREATE TABLE summaries (id TEXT PRIMARY KEY, summary TEXT NOT NULL) STRICT, WITHOUT ROWID;
)sql",
                                                           R"sql(
-- Else only a provider vouches for the user.
ALTER TABLE users ADD COLUMN has_password INTEGER NOT NULL DEFAULT 1;

-- Who at a provider of OpenID Connect is which user. used_at: 0 if never.
CREATE TABLE identities (
  id TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
  UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities(user_id, created_at);
)sql",
                                                           R"sql(
-- Webhooks of tasks join those of streams: either stream_id or user_id is there. reach: 0 the
-- user's own tasks, 1 those of the project, 2 all. states: a sum of 1 << state.
CREATE TABLE more_webhooks (
  id TEXT PRIMARY KEY, stream_id TEXT REFERENCES resources(id) ON DELETE CASCADE,
  user_id TEXT REFERENCES users(id) ON DELETE CASCADE, project_id TEXT NOT NULL,
  reach INTEGER NOT NULL, states INTEGER NOT NULL,
  owner_id TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL, enabled INTEGER NOT NULL,
  reason TEXT NOT NULL, last_alarm INTEGER NOT NULL, dropped INTEGER NOT NULL,
  created_at INTEGER NOT NULL, failing_since INTEGER NOT NULL, disabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO more_webhooks SELECT id, stream_id, NULL, '', 0, 0, owner_id, url, secret, enabled,
  reason, last_alarm, dropped, created_at, failing_since, disabled_at FROM webhooks;
CREATE TABLE more_messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL REFERENCES more_webhooks(id) ON DELETE CASCADE,
  id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, state INTEGER NOT NULL,
  tries INTEGER NOT NULL, status INTEGER NOT NULL, trouble TEXT NOT NULL,
  created_at INTEGER NOT NULL, tried_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  UNIQUE (webhook_id, id)
) STRICT;
INSERT INTO more_messages SELECT number, webhook_id, id, type, body, state, tries, status, trouble,
  created_at, tried_at, next_at FROM webhook_messages;
DROP TABLE webhook_messages;
DROP TABLE webhooks;
ALTER TABLE more_webhooks RENAME TO webhooks;
ALTER TABLE more_messages RENAME TO webhook_messages;
CREATE INDEX webhooks_by_stream ON webhooks(stream_id, created_at);
CREATE INDEX webhooks_by_user ON webhooks(user_id, created_at);
CREATE INDEX webhook_messages_by_state ON webhook_messages(state, webhook_id, next_at);
)sql"};

} // namespace hanami::service::store
