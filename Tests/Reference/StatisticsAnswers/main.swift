import Foundation

// Questions as JSON lines on standard input, an answer each on standard output: a list of numbers, `null` where there is none.
let (decoder, encoder) = (JSONDecoder(), JSONEncoder())
while let line = readLine() {
  guard let question = try? decoder.decode(Question.self, from: Data(line.utf8)),
    let answer = Answers.answer(to: question), let text = try? encoder.encode(answer)
  else {
    FileHandle.standardError.write(Data("statistics-answers: not a question: \(line)\n".utf8))
    exit(1)
  }
  print(String(decoding: text, as: UTF8.self))
}
