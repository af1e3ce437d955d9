import Foundation
import Measurement

extension RunFolder {
  /// Writes `repetitions/NNNNN.json`, NNNNN being the repetition's place in the schedule. From its return on, no crash
  /// and no power cut loses it.
  public func write(_ repetition: RepetitionFile) throws(StoreError) {
    let name = "repetitions/\(try RepetitionFile.stem(order: repetition.repetition.order)).json"
    try write(try StoredJSON.encode(repetition, pretty: false, for: file(name)), to: name)
  }

  /// The places in the schedule whose repetitions have ended, ascending; half-written files do not count.
  public func finishedOrders() throws(StoreError) -> [Int] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: file("repetitions"))
        .compactMap(RepetitionFile.order(ofFile:)).sorted()
    } catch {
      throw .cannotRead(path: file("repetitions"), code: posixCode(of: error))
    }
  }

  /// Reads the repetition that ran at this place.
  ///
  /// - Throws: `StoreError.cannotRead`, `.newerSchema`, `.damaged`.
  public func readRepetition(order: Int) throws(StoreError) -> RepetitionFile {
    let path = file("repetitions/\(try RepetitionFile.stem(order: order)).json")
    return try StoredJSON.read(RepetitionFile.self, from: path, schema: RepetitionFile.schema)
  }

  /// The cells of every finished repetition, one file in memory at a time beside the result.
  ///
  /// - Parameter plan: the cells in the order of the plan; others follow as they first ran.
  /// - Returns: cells that have at least one repetition, repetitions by index.
  /// - Throws: the errors of `readRepetition`.
  public func assemble(plan: [CellKey] = []) throws(StoreError) -> [CellRecord] {
    var cells: [CellKey: CellRecord] = [:]
    var keys = plan
    for order in try finishedOrders() {
      let file = try readRepetition(order: order)
      if cells[file.cell] == nil {
        if !keys.contains(file.cell) { keys.append(file.cell) }
        cells[file.cell] = CellRecord(
          suite: file.cell.suite, workload: file.cell.workload, mode: file.cell.mode, choices: file.choices,
          primary: file.primary, warmupSeconds: file.warmupSeconds, repetitions: [])
      }
      cells[file.cell]?.repetitions.append(file.repetition)
    }
    return keys.compactMap { key in
      var cell = cells[key]
      cell?.repetitions.sort { $0.index < $1.index }
      return cell
    }
  }
}
