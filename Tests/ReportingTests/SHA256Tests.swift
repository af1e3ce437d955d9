import Testing

@testable import Reporting

@Suite("SHA-256") struct SHA256Tests {
  /// The examples of FIPS 180-4's companion (NIST, "Example algorithms: SHA-256"), the empty message, and one that needs a block
  /// of its own for its length.
  @Test(arguments: [
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ), ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
  ]) func digestIsThatOfTheStandard(message: String, digest: String) {
    let bytes = SHA256.hash(Array(message.utf8))
    #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == digest)
  }
}
