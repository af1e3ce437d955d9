import Testing

@testable import Measurement

@Suite("layouts of tracepoints")
struct TracepointLayoutTests {
  private static let format = """
    name: kvm_example
    ID: 4711
    format:
    \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
    \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

    \tfield:unsigned int exit_reason;\toffset:24;\tsize:4;\tsigned:0;
    \tfield:u64 isa;\toffset:8;\tsize:8;\tsigned:0;
    \tfield:char comm[16];\toffset:32;\tsize:16;\tsigned:0;
    \tfield:int beyond;\toffset:70000;\tsize:4;\tsigned:1;
    \tfield:int before;\toffset:-4;\tsize:4;\tsigned:1;
    \tfield:int odd;\toffset:12;\tsize:3;\tsigned:1;

    print fmt: "field:int fake;\toffset:0;\tsize:4;\tsigned:0;"
    \tfield:int alsofake;\toffset:0;\tsize:4;\tsigned:0;
    """

  private static let layout = TracepointLayout(
    name: "kvm_example", id: 4711,
    fields: [
      "common_type": .init(offset: 0, size: 2, isSigned: false),
      "common_pid": .init(offset: 4, size: 4, isSigned: true),
      "exit_reason": .init(offset: 24, size: 4, isSigned: false), "isa": .init(offset: 8, size: 8, isSigned: false),
    ])

  @Test func numbersAreReadAndAllElseIsLeftOut() {
    #expect(TracepointLayout(name: "kvm_example", format: Self.format) == Self.layout)
  }

  @Test(arguments: ["", "ID: 7\n", "ID: x\n\tfield:int a;\toffset:0;\tsize:4;\tsigned:1;", "\u{0}\u{0};;;:::\n"])
  func aFileWithoutNumberOrFieldIsNone(text: String) {
    #expect(TracepointLayout(name: "kvm_example", format: text) == nil)
  }

  @Test func anArgumentIsReadBack() {
    #expect(Self.layout.argument == "kvm_example=4711,common_pid@4+-4,common_type@0+2,exit_reason@24+4,isa@8+8")
    #expect(TracepointLayout(argument: Self.layout.argument) == Self.layout)
  }

  @Test(arguments: [
    "", "kvm_exit", "=7", "kvm_exit=", "kvm_exit=65536", "a=1,", "a=1,b", "a=1,b@", "a=1,b@1", "a=1,b@1+3", "a=1,@0+4",
    "a=1,b@65533+4", "a=1,b@-1+4", "a=1,b@9223372036854775807+8", "a=1,b@0+-9223372036854775808", "a=1,b@0+4+4",
  ])
  func nonsenseIsNoArgument(text: String) { #expect(TracepointLayout(argument: text) == nil) }

  @Test func onlyWhatIsWantedIsKept() {
    #expect(Self.layout.keeping(["isa", "unheard_of"]).fields == ["isa": .init(offset: 8, size: 8, isSigned: false)])
  }

  /// Size, sign, and what the bytes 0xFE 0xFF 0xFF 0xFF 0x80 … are.
  private static let values: [(size: Int, isSigned: Bool, value: Int64)] = [
    (1, false, 0xFE), (1, true, -2), (2, true, -2), (4, false, 0xFFFF_FFFE), (4, true, -2),
    (8, false, 0x80_FFFF_FFFE), (8, true, 0x80_FFFF_FFFE),
  ]

  @Test(arguments: values)
  func sizeAndSignDecideWhatBytesAre(size: Int, isSigned: Bool, value: Int64) {
    let bytes: [UInt8] = [0x55, 0xFE, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0]
    let field = TracepointLayout.Field(offset: 1, size: size, isSigned: isSigned)
    #expect(bytes.withUnsafeBytes { field.value(in: $0) } == UInt64(bitPattern: value))
  }

  @Test func aFieldBehindTheRecordHasNoValue() {
    let field = TracepointLayout.Field(offset: 5, size: 4, isSigned: false)
    #expect([UInt8](repeating: 1, count: 8).withUnsafeBytes { field.value(in: $0) } == nil)
  }
}
