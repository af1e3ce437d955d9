import GRDB

/// The tables of `history.sqlite`. A change is a new migration at the end, never an edit of one that was released.
enum HistorySchema {
  /// `PRAGMA application_id`: "pvbh".
  static let applicationID: Int32 = 0x7076_6268

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(sql: "PRAGMA application_id = \(applicationID)")
      try db.execute(sql: first)
    }
    return migrator
  }

  /// A point is a night of a series; its primary key is the order in which series are read. `progress` is what
  /// `SeriesProgress` says; a point that appears or goes among the nights that were counted makes it void. A search that
  /// finds other splits needs a migration that empties it.
  private static let first = """
    CREATE TABLE configuration (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
    CREATE TABLE run (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, started REAL NOT NULL, began TEXT NOT NULL, status TEXT NOT NULL,
      version TEXT NOT NULL, fingerprint TEXT NOT NULL, configuration INTEGER NOT NULL REFERENCES configuration);
    CREATE INDEX run_started ON run (started);
    CREATE TABLE note (
      id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, content TEXT NOT NULL);
    CREATE INDEX note_run ON note (run);
    CREATE TABLE cell (
      id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, suite TEXT NOT NULL, workload TEXT NOT NULL, mode TEXT NOT NULL,
      choices TEXT NOT NULL, UNIQUE (fingerprint, suite, workload, mode, choices));
    CREATE TABLE series (
      id INTEGER PRIMARY KEY, cell INTEGER NOT NULL REFERENCES cell, metric TEXT NOT NULL, description TEXT NOT NULL,
      UNIQUE (cell, metric));
    CREATE TABLE sample (
      id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, cell INTEGER NOT NULL REFERENCES cell,
      layout TEXT NOT NULL, observations BLOB NOT NULL, UNIQUE (run, cell));
    CREATE TABLE point (
      series INTEGER NOT NULL REFERENCES series, started REAL NOT NULL, run INTEGER NOT NULL REFERENCES run,
      median REAL NOT NULL, PRIMARY KEY (series, started, run)) WITHOUT ROWID;
    CREATE TABLE progress (
      series INTEGER PRIMARY KEY REFERENCES series, last REAL NOT NULL, next INTEGER NOT NULL, candidates BLOB NOT NULL);
    CREATE TRIGGER point_added AFTER INSERT ON point BEGIN
      DELETE FROM progress WHERE series = NEW.series AND last >= NEW.started;
    END;
    CREATE TRIGGER point_removed AFTER DELETE ON point BEGIN
      DELETE FROM progress WHERE series = OLD.series AND last >= OLD.started;
    END;
    """
}
