#pragma once
#include <sqlite3.h>

// sqlite3_db_config is variadic, so Swift cannot call it.
static inline int sluice_sqlite3_checkpoint_on_close(sqlite3 *database, int checkpoints) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoints, (int *)0);
}
