/// What Uring.Core.dll promises its F# users: a documented word for every module, type and function.
module Uring.Tests.Linux.CoreSurfaceTests

open System
open System.IO
open System.Reflection
open System.Runtime.CompilerServices
open System.Xml.Linq
open Expecto
open Uring.Driver

let private assembly = typeof<Loop>.Assembly

/// The names that Uring.Core.xml says something about; a function's without its parameters.
let private documented =
    lazy
        (XDocument
            .Load(Path.Combine(AppContext.BaseDirectory, "Uring.Core.xml"))
            .Descendants(XName.Get "member")
         |> Seq.filter (fun entry -> entry.Value.Trim() <> "")
         |> Seq.choose (fun entry -> entry.Attribute(XName.Get "name") |> Option.ofObj)
         |> Seq.map (fun name -> (name.Value.Split [| '('; '`' |])[0])
         |> Set.ofSeq)

let private nameOf (owner: Type) =
    let name = (string owner.FullName).Split '`'
    name[0].Replace('+', '.')

let private isGenerated (found: MemberInfo) =
    found.IsDefined(typeof<CompilerGeneratedAttribute>, false)
    || found.Name.Contains '@'
    || found.Name.Contains '$'
    || found.Name = "Tags"

let private types = assembly.GetExportedTypes() |> Array.filter (isGenerated >> not) |> List.ofArray

let private functions = [
    for owner in types do
        if owner.IsAbstract && owner.IsSealed then
            for found in
                owner.GetMethods(BindingFlags.Public ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly) do
                if not (found.IsSpecialName || isGenerated found) then $"M:{nameOf owner}.{found.Name}"
]

[<Tests>]
let tests =
    testList "F# surface" [
        test "every type and module is documented" {
            Expect.isGreaterThan types.Length 60 "types"

            let missing =
                types |> List.filter (fun found -> not (documented.Value.Contains $"T:{nameOf found}"))

            Expect.equal (missing |> List.map nameOf) [] "without a word"
        }

        test "every function is documented" {
            Expect.isGreaterThan functions.Length 120 "functions"
            Expect.equal (functions |> List.filter (documented.Value.Contains >> not)) [] "without a word"
        }
    ]
