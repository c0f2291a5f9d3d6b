/// What Uring.dll promises: no F# type in a signature, a documented word for everything, and the BCL's conventions.
module Uring.Tests.Linux.SurfaceTests

open System
open System.Collections.Generic
open System.IO
open System.Reflection
open System.Runtime.CompilerServices
open System.Threading
open System.Threading.Tasks
open System.Xml.Linq
open Expecto
open Uring

let private assembly = typeof<Ring>.Assembly
let private types = assembly.GetExportedTypes() |> List.ofArray

let private declared =
    BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.Static ||| BindingFlags.DeclaredOnly

/// What a reader of the API sees: no compiler's additions, no accessors.
let private membersOf (owner: Type) = [
    for found in owner.GetMembers declared do
        let isGenerated = found.IsDefined(typeof<CompilerGeneratedAttribute>, false)

        match found with
        | :? MethodInfo as method when method.IsSpecialName || isGenerated -> ()
        // A record's copy constructor, an enum's storage, a struct's default.
        | _ when isGenerated || found.Name = "value__" -> ()
        | :? MethodInfo as method when method.GetBaseDefinition().DeclaringType = typeof<obj> -> ()
        // One of the types itself.
        | :? Type -> ()
        | found -> found
]

let private core = typeof<Uring.FSharp.SendFlags>.Assembly.GetExportedTypes()

/// Enums that are called otherwise in the core.
let private renamed =
    Map [
        "EpollModes", "EpollMode"
        "FileAllocation", "Allocation"
        "FilePriorityClass", "PriorityClass"
        "RingOperation", "Opcode"
    ]

/// Enums whose members are called otherwise: as the BCL calls them.
let private otherwise = [ "EpollModes"; "StatusFields" ]

/// Enums that stand alone: the core has a union there, or more than files can be opened with (FileOpenTests).
let private alone = [ "ChainOutcome"; "FileOpenFlags" ]

let private members (kind: Type) = [ for value in Enum.GetValues kind -> string value, Convert.ToInt64 value ]

/// All but the default, which has to have a name in C# alone.
let private named (kind: Type) = members kind |> List.filter ((<>) ("None", 0L))

let private numbers (kind: Type) = members kind |> List.map snd

let private allMembers = types |> List.collect membersOf

let private methods =
    allMembers
    |> List.choose (function
        | :? MethodInfo as method -> Some method
        | _ -> None)

let private nameOf (found: MemberInfo) = $"{found.DeclaringType}.{found.Name}"

/// A type and everything that its name consists of.
let rec private parts (found: Type | null) : Type list =
    match found with
    | null -> []
    | found when found.HasElementType -> parts (found.GetElementType())
    | found ->
        found
        :: (found.GetGenericArguments()
            |> List.ofArray
            |> List.filter (_.IsGenericParameter >> not)
            |> List.collect parts)

let private mentioned (found: MemberInfo) =
    match found with
    | :? MethodBase as method ->
        let result =
            match method with
            | :? MethodInfo as method -> parts method.ReturnType
            | _ -> []

        result
        @ [
            for parameter in method.GetParameters() do
                yield! parts parameter.ParameterType
        ]
    | :? PropertyInfo as property -> parts property.PropertyType
    | :? FieldInfo as field -> parts field.FieldType
    | :? EventInfo as event -> parts event.EventHandlerType
    | _ -> []

/// The documentation has a dot where reflection has a plus: between a type and what is nested in it.
let private dotted (name: string | null) = (string name).Replace('+', '.')

/// The documentation's name of a type, as it stands in a parameter list.
let rec private documentedType (found: Type) : string =
    if found.IsArray then
        documentedType (Option.get (Option.ofObj (found.GetElementType()))) + "[]"
    elif found.IsGenericMethodParameter then
        $"``{found.GenericParameterPosition}"
    elif found.IsGenericType then
        let name = (dotted (found.GetGenericTypeDefinition().FullName)).Split('`')[0]
        let arguments = found.GetGenericArguments() |> Array.map documentedType |> String.concat ","
        $"{name}{{{arguments}}}"
    else
        dotted found.FullName

let private documentedName (found: MemberInfo) =
    let owner = dotted (Option.get (Option.ofObj found.DeclaringType)).FullName

    let parameters (method: MethodBase) =
        match method.GetParameters() with
        | [||] -> ""
        | given ->
            given
            |> Array.map (fun one -> documentedType one.ParameterType)
            |> String.concat ","
            |> sprintf "(%s)"

    match found with
    | :? ConstructorInfo as maker -> $"M:{owner}.#ctor{parameters maker}"
    | :? MethodInfo as method ->
        let arity = if method.IsGenericMethod then $"``{method.GetGenericArguments().Length}" else ""
        $"M:{owner}.{method.Name}{arity}{parameters method}"
    | :? PropertyInfo -> $"P:{owner}.{found.Name}"
    | :? FieldInfo -> $"F:{owner}.{found.Name}"
    | :? EventInfo -> $"E:{owner}.{found.Name}"
    | _ -> $"?:{owner}.{found.Name}"

/// The file's entries; the text of their summaries.
let private documentation =
    lazy
        (let file = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Uring.xml"))

         dict [
             for entry in file.Descendants(XName.Get "member") do
                 let summary = entry.Element(XName.Get "summary") |> Option.ofObj

                 (Option.get (Option.ofObj (entry.Attribute(XName.Get "name")))).Value,
                 summary |> Option.map _.Value.Trim()
         ])

let private isDocumented name =
    match documentation.Value.TryGetValue name with
    | true, Some summary -> summary <> ""
    | _ -> false

/// A constructor that may not be written down at all.
let private isDefaultMaker (found: MemberInfo) =
    match found with
    | :? ConstructorInfo as maker -> maker.GetParameters().Length = 0
    | _ -> false

let private isAsync (method: MethodInfo) =
    let result = method.ReturnType
    let definition = if result.IsGenericType then result.GetGenericTypeDefinition() else result

    List.contains definition [
        typeof<Task>
        typedefof<Task<_>>
        typeof<ValueTask>
        typedefof<ValueTask<_>>
        typedefof<IAsyncEnumerable<_>>
        typeof<LeaseStream>
        typeof<LeaseStream.Wait>
    ]

/// What `await` and `await foreach` call: they have names of their own for it, and no place for a token.
let private isOfTheLanguage (method: MethodInfo) =
    List.contains method.Name [ "DisposeAsync"; "MoveNextAsync"; "GetAwaiter" ]

[<Tests>]
let tests =
    testList "C# surface" [
        testCase "no F# type in a signature" (fun () ->
            let foreign = [
                for found in allMembers do
                    for part in mentioned found do
                        if (string part.Namespace).StartsWith "Microsoft.FSharp" then
                            $"{nameOf found}: {part}"
            ]

            Expect.equal foreign [] "F# types")

        testCase "no type of the core in a signature" (fun () ->
            let core = typeof<Uring.Driver.Loop>.Assembly

            let foreign = [
                for found in allMembers do
                    for part in mentioned found do
                        if part.Assembly = core then $"{nameOf found}: {part}"
            ]

            Expect.equal foreign [] "types of Uring.Core")

        testCase "everything is documented" (fun () ->
            let undocumented = [
                for owner in types do
                    if not (isDocumented $"T:{dotted owner.FullName}") then string owner.FullName

                for found in allMembers do
                    if not (isDefaultMaker found || isDocumented (documentedName found)) then
                        documentedName found
            ]

            Expect.equal undocumented [] "without a summary")

        testCase "async methods say so, and others do not" (fun () ->
            let wrong = [
                for method in methods do
                    if
                        isAsync method <> method.Name.EndsWith("Async", StringComparison.Ordinal)
                        && not (isOfTheLanguage method)
                    then
                        nameOf method
            ]

            Expect.equal wrong [] "names")

        testCase "async methods take an optional token last" (fun () ->
            let wrong = [
                for method in methods do
                    if isAsync method && not (isOfTheLanguage method) then
                        match Array.tryLast (method.GetParameters()) with
                        | Some last when last.ParameterType = typeof<CancellationToken> && last.IsOptional ->
                            ()
                        | _ -> nameOf method
            ]

            Expect.equal wrong [] "tokens")

        // A lease gives back at once: there is nothing to wait for.
        testCase "classes that can be disposed of can be disposed of either way" (fun () ->
            let implements (contract: Type) (owner: Type) = contract.IsAssignableFrom owner

            let oneWay =
                types
                |> List.filter _.IsClass
                |> List.filter (fun owner ->
                    implements typeof<IDisposable> owner <> implements typeof<IAsyncDisposable> owner)

            Expect.equal oneWay [] "IDisposable and IAsyncDisposable")

        testCase "classes are sealed, structs are immutable" (fun () ->
            let isOpen (owner: Type) = owner.IsClass && not owner.IsSealed

            let isMutable (owner: Type) =
                owner.IsValueType
                && not owner.IsEnum
                && not (owner.IsDefined(typeof<IsReadOnlyAttribute>, false))
                // The language keeps it in a place of its own, as it does those of the BCL.
                && owner <> typeof<LeaseStream.Enumerator>

            let wrong = types |> List.filter (fun owner -> isOpen owner || isMutable owner)
            Expect.equal wrong [] "open or mutable")

        testCase "enums have the numbers of the core, and its names" (fun () ->
            for ours in types |> List.filter _.IsEnum do
                if not (List.contains ours.Name alone) then
                    let name = Map.tryFind ours.Name renamed |> Option.defaultValue ours.Name

                    match core |> Array.filter (fun kind -> kind.IsEnum && kind.Name = name) with
                    | [| kind |] when List.contains ours.Name otherwise ->
                        Expect.equal (numbers ours) (numbers kind) ours.Name
                    | [| kind |] -> Expect.equal (named ours) (named kind) ours.Name
                    | found -> failtest $"{ours.Name}: {found.Length} enums of the core are called {name}")

        testCase "the options tell their defaults" (fun () ->
            for property in typeof<RingOptions>.GetProperties() do
                match documentation.Value[$"P:Uring.RingOptions.{property.Name}"] with
                | Some summary ->
                    let shown =
                        match property.GetValue(RingOptions()) with
                        | null -> "none"
                        | :? string as text -> $"\"{text}\""
                        | :? bool as value -> if value then "true" else "false"
                        | :? TimeSpan as span when span = TimeSpan.Zero -> "no time"
                        | :? System.Collections.IEnumerable as several when
                            Seq.isEmpty (Seq.cast<obj> several)
                            ->
                            "none"
                        | value -> string value

                    Expect.stringEnds summary $"Defaults to {shown}." property.Name
                | None -> failtest property.Name)
    ]
