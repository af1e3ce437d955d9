// embed-files OUTPUT ROOT FILE…: writes a Swift file that holds every FILE's text under its path relative to ROOT.
@preconcurrency import Glibc  // stderr is a global variable of C

func fail(_ message: String) -> Never {
  let line = "embed-files: \(message)\n"
  _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(1)
}

func contents(of path: String) -> [UInt8] {
  guard let file = fopen(path, "rb") else { fail("cannot open \(path)") }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
  return bytes
}

/// A Swift string literal of exactly these UTF-8 bytes.
func literal(_ bytes: [UInt8]) -> String {
  var text = "\""
  for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
    switch scalar {
    case "\"": text += "\\\""
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text + "\""
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fail("usage: embed-files OUTPUT ROOT FILE…") }
var source = "enum EmbeddedFiles {\n  static let all: [(path: String, text: StaticString)] = [\n"
for path in arguments.dropFirst(3) {
  let relative = String(path.dropFirst(arguments[2].count + 1))
  source += "    (\(literal(Array(relative.utf8))), \(literal(contents(of: path)))),\n"
}
source += "  ]\n}\n"
guard let output = fopen(arguments[1], "wb") else { fail("cannot write \(arguments[1])") }
fputs(source, output)
fclose(output)
