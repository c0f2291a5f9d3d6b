// What scripts/cp.fsx finds on the simulated machine, and what has to be there in the end.
open System
open System.IO
open Uring.Tests.Machine

let contents (number: int) = Array.init (number * 977) (fun index -> byte (index * number))

OneMachine.start ()
Directory.CreateDirectory "/from/deep/empty" |> ignore

for number in 0..300 do
    File.WriteAllBytes($"/from/deep/file{number}", contents number)

File.CreateSymbolicLink("/from/link", "deep/file7") |> ignore
File.SetUnixFileMode("/from/deep/file9", UnixFileMode.UserRead)
let yesterday = DateTime(1999, 12, 31, 23, 59, 59, DateTimeKind.Utc)
File.SetLastWriteTimeUtc("/from/deep/file8", yesterday)

let isSame () =
    Seq.forall (fun number -> File.ReadAllBytes $"/to/deep/file{number}" = contents number) (seq { 0..300 })
    && Directory.Exists "/to/deep/empty"
    && FileInfo("/to/link").LinkTarget = "deep/file7"
    && File.GetUnixFileMode "/to/deep/file9" = UnixFileMode.UserRead
    && File.GetLastWriteTimeUtc "/to/deep/file8" = yesterday

AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
    printfn $"the same tree: {isSame ()}"
    OneMachine.violations () |> List.iter (printfn "rule broken: %s"))
