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

  /// A night has the medians of a cell's metrics side by side, for a run writes them together: a row of each metric would be a
  /// page of the file each. Its primary key is the order in which series are read. A layout says which numbers of a BLOB are
  /// whose (`Samples`). `progress` is what `SeriesProgress` says; a night that appears or goes among those that were counted
  /// makes it void. A search that finds other splits needs a migration that empties it.
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
    CREATE TABLE layout (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
    CREATE TABLE sample (
      id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, cell INTEGER NOT NULL REFERENCES cell,
      layout INTEGER NOT NULL REFERENCES layout, observations BLOB NOT NULL, UNIQUE (run, cell));
    CREATE TABLE night (
      cell INTEGER NOT NULL REFERENCES cell, started REAL NOT NULL, run INTEGER NOT NULL REFERENCES run,
      layout INTEGER NOT NULL REFERENCES layout, medians BLOB NOT NULL, PRIMARY KEY (cell, started, run)) WITHOUT ROWID;
    CREATE TABLE progress (
      series INTEGER PRIMARY KEY REFERENCES series, last REAL NOT NULL, next INTEGER NOT NULL, candidates BLOB NOT NULL);
    CREATE TRIGGER night_added AFTER INSERT ON night BEGIN
      DELETE FROM progress
      WHERE series IN (SELECT id FROM series WHERE cell = NEW.cell) AND last >= NEW.started;
    END;
    CREATE TRIGGER night_removed AFTER DELETE ON night BEGIN
      DELETE FROM progress
      WHERE series IN (SELECT id FROM series WHERE cell = OLD.cell) AND last >= OLD.started;
    END;
    """
}
