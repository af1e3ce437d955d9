import Foundation

// make bench-history: bench-history PVBENCH FOLDER NIGHTS CELLS KILLS; `make` and `index` are its own helpers, for a process
// of their own keeps this one small (Chore says why).
let arguments = CommandLine.arguments
let numbers = arguments.compactMap { Int($0) }
switch arguments.dropFirst().first {
case "make":
  try SyntheticNights.index(in: arguments[2], nights: numbers[0]..<numbers[1], of: numbers[2], cells: numbers[3])
case "index": try Kills.index(in: arguments[2], seed: UInt64(numbers[0]))
case _? where numbers.count == 3:
  try Bench(
    program: arguments[0], pvbench: arguments[1], folder: arguments[2], nights: numbers[0], cells: numbers[1],
    kills: numbers[2]
  ).run()
default: throw CocoaError(.featureUnsupported)
}
