/// The integer kernel's answer, from an implementation of its own (workloads, integer.c).
struct IntegerReference {
  private var state: UInt32 = 20
  private var digest = UInt32.max

  /// The answer of one operation.
  static func answer() -> UInt64 {
    var reference = IntegerReference()
    reference.lists()
    reference.matrices()
    reference.text()
    return UInt64(reference.state) << 32 | UInt64(reference.digest)
  }

  private mutating func draw() -> Int {
    state = state &* 1_664_525 &+ 1_013_904_223
    return Int(state >> 16)
  }

  /// CRC-32 of IEEE 802.3, bit by bit.
  private mutating func mix(_ word: UInt32) {
    digest ^= word
    for _ in 0..<32 { digest = digest & 1 == 1 ? digest >> 1 ^ 0xEDB8_8320 : digest >> 1 }
  }

  private mutating func lists() {
    var list: [(value: Int, tag: Int)] = []
    for tag in 0..<48 { list.append(((draw() & 0x3FF) - 512, tag)) }
    for _ in 0..<8 {
      let wanted = (draw() & 0x3FF) - 512
      let steps = list.firstIndex { $0.value >= wanted } ?? list.count
      mix(UInt32(steps) << 16 | (steps < list.count ? UInt32(list[steps].tag) : 0xFFFF))
      list.reverse()
    }
    for value in list.map(\.value).sorted() { mix(UInt32(UInt16(truncatingIfNeeded: value))) }
    for tag in list.map(\.tag).sorted() { mix(UInt32(tag)) }
  }

  private mutating func matrices() {
    var (a, b): ([Int], [Int]) = ([], [])
    for _ in 0..<100 {
      a.append((draw() & 0xFF) - 128)
      b.append((draw() & 0xFF) - 128)
    }
    for row in 0..<10 {
      let sum = (0..<10).reduce(0) { sum, column in
        let value = (0..<10).reduce(0) { $0 + a[row * 10 + $1] * b[$1 * 10 + column] }
        return sum + (value > 4096 ? value >> 3 : value < -4096 ? value ^ row : value)
      }
      mix(UInt32(truncatingIfNeeded: sum))
    }
  }

  private mutating func text() {
    let alphabet = Array("0123456789.e-,,x")
    var words = [""]
    for _ in 0..<160 {
      let character = alphabet[draw() & 15]
      if character == "," { words.append("") } else { words[words.count - 1].append(character) }
    }
    // Start, sign, digits, fraction, exponent, and everything else, in the order of the kernel's states.
    let forms = [#/-/#, #/-?[0-9]+/#, #/-?[0-9]+\.[0-9]*/#, #/-?[0-9]+(?:\.[0-9]*)?e[0-9]*/#]
    let kinds = words.map { word in
      word.isEmpty ? 0 : forms.firstIndex { word.wholeMatch(of: $0) != nil }.map { $0 + 1 } ?? 5
    }
    for kind in 0..<6 { mix(UInt32(kinds.count { $0 == kind })) }
  }
}
